import { NimctlError } from '../../../system/errors.ts'
import { type Location, pathOf } from '../../webhdfs/location.ts'

/**
 * The absolute path of an object.
 *
 * @throws NimctlError `usage` / `STORE_KEY_OUTSIDE`, `STORE_KEY_NOT_ALLOWED` for what HDFS, or its shell, can't take.
 */
export function shellPathOf(location: Location, key: string): string {
  const path = pathOf(location, key)
  if (/[\r\n]/.test(key)) throw notAllowed(key, "Hadoop's client prints a name in a line, and this one has two.")
  // ChecksumFileSystem: its own files, beside those that it reads.
  if (/(^|\/)\.[^/]*\.crc(\/|$)/.test(key)) throw notAllowed(key, "Hadoop's client hides local files named .*.crc.")
  return path
}

/** A path as the shell takes it: with scheme and host, so that no name looks like a flag, and nothing that it expands. */
export function argumentOf({ url }: Location, path: string): string {
  return printedPath({ url }, path).replaceAll(/[\\*?[\]{}]/g, '\\$&')
}

/** The same as the shell prints it. */
export function printedPath({ url }: Pick<Location, 'url'>, path: string): string {
  return `${url.protocol}//${url.host}${path}`
}

function notAllowed(key: string, why: string): NimctlError {
  return new NimctlError('usage', 'STORE_KEY_NOT_ALLOWED', {
    what: `Hadoop's client can't store ${JSON.stringify(key)}.`,
    why,
    next: 'Rename it, put all into one archive (--layout tar), or use WebHDFS.',
  })
}
