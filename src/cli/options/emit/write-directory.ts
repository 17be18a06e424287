import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import { renderKustomization, stagesOf } from '../../../emit/kustomization.ts'
import type { EmitResult } from '../../../emit/result.ts'
import { errorCode } from '../../../system/errors.ts'
import { ensureWritableDirectory, writeFileAtomically } from '../../../system/files.ts'

/** How objects become the text of a file. */
export interface Rendered {
  extension: string
  render: (result: EmitResult) => string
  /** Comments on what it was made from and what it needs. */
  header: (result: EmitResult) => string
}

/** Ends with a slash, or is a directory already. */
export async function isDirectoryName(path: string): Promise<boolean> {
  if (path.endsWith('/')) return true
  try {
    return (await stat(path)).isDirectory()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/**
 * A file for each object, and the kustomization last: who applies it meanwhile finds the objects of before, or all.
 *
 * @returns the files, relative to the directory.
 */
export async function writeDirectory(
  path: string,
  result: EmitResult,
  { extension, header, render }: Rendered,
): Promise<string[]> {
  const written: string[] = []
  for (const stage of stagesOf(result, extension)) {
    await ensureWritableDirectory(join(path, stage.directory))
    const write = async (name: string, text: string) => {
      await writeFileAtomically(join(path, stage.directory, name), text)
      written.push(join(stage.directory, name))
    }
    for (const file of stage.files) await write(file.name, render(file.result))
    await write('kustomization.yaml', `${header(result)}\n${renderKustomization(stage)}`)
  }
  return written
}
