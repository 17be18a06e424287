import { readFile } from 'node:fs/promises'

import { translateFileError } from '../../system/files.ts'
import type { Context } from '../context.ts'

/** The text of a file, or of standard input for `-`. */
export async function readInput(file: string, context: Context): Promise<string> {
  if (file === '-') return await context.readStdin()
  return await readFile(file, 'utf8').catch((error: unknown) => {
    throw translateFileError(error, file)
  })
}
