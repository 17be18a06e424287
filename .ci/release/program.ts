import { existsSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { root, run } from './project.ts'

/** What is beside the compiled program, in the npm package and in the archives. */
const besides = ['bin', 'LICENSE', 'CHANGELOG.md', 'README.md', 'docs/nimctl.schema.json']

/** Compiles into an empty directory, so that nothing of an earlier build comes along, and puts the other files beside. */
export async function buildProgram(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await run('tsc', ['-p', 'tsconfig.build.json', '--outDir', join(directory, 'dist'), '--sourceMap', 'false'])
  for (const path of besides.filter(name => existsSync(join(root, name)))) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await cp(join(root, path), join(directory, path), { recursive: true })
  }
}
