import { readFileSync } from 'node:fs'

import { errorCode, NimctlError } from '../../../system/errors.ts'
import { translateFileError } from '../../../system/files.ts'

/**
 * A small file that a flag names.
 *
 * @param flag such as `--patch`.
 * @throws NimctlError `not-found` / `PATH_NOT_FOUND`; otherwise as `translateFileError` says.
 */
export function readInputFile(path: string, flag: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw translateFileError(error, path)
    throw new NimctlError('not-found', 'PATH_NOT_FOUND', {
      what: `There is nothing at ${path}.`,
      next: `Name a file that is there: ${flag} FILE`,
      cause: error,
    })
  }
}
