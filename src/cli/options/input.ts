import { readFile } from 'node:fs/promises'

import type { Context } from '../context.ts'

/** The text of a file, or of standard input for `-`. */
export async function readInput(file: string, context: Context): Promise<string> {
  if (file === '-') return await context.readStdin()
  const { translateFileError } = await import('../../system/files.ts')
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw translateFileError(error, file)
  })
}
