import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { buildProgram } from './program.ts'
import { readPackageFile, run } from './project.ts'

/** Means something in the repository alone. `overrides` of a dependency are not followed by npm. */
const ofRepository = ['private', 'scripts', 'devDependencies', 'optionalDependencies', 'overrides']

/** package.json as it is published: whoever has no fitting Node.js is told so, instead of being sent 120 MB. */
export async function writePackageFile(directory: string): Promise<void> {
  const published = Object.entries(readPackageFile()).filter(([field]) => !ofRepository.includes(field))
  await writeFile(join(directory, 'package.json'), `${JSON.stringify(Object.fromEntries(published), undefined, 2)}\n`)
}

/**
 * The npm package, from sources that are compiled anew.
 *
 * @param work empty, for what is made on the way.
 * @returns the name of the file in `out`.
 */
export async function makeNpmPackage({ work, out }: { work: string; out: string }): Promise<string> {
  await buildProgram(work)
  await writePackageFile(work)
  const packed: unknown = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', out], work))
  const [{ filename = '' } = {}] = Object.values(packed as Record<string, { filename?: string }>)
  return filename
}
