import { NimctlError } from '../../system/errors.ts'
import { checkKey } from '../key.ts'

/** Where a store's keys lie. */
export interface Location {
  /** Without user and password: it is shown. */
  readonly url: URL
  /** Of the prefix, percent-encoded; ends with `/`. */
  readonly path: string
}

/** @throws NimctlError `usage` / `STORE_URL_INVALID`. */
export function parseHttpsUrl(url: URL): Location {
  if (url.search !== '' || url.hash !== '') {
    throw new NimctlError('usage', 'STORE_URL_INVALID', {
      what: `"${url.protocol}//${url.host}${url.pathname}" is followed by a "?" or a "#", which no folder of a web server is.`,
      next: 'Write "?" and "#" in a prefix as %3F and %23.',
    })
  }
  const shown = new URL(url)
  shown.username = ''
  shown.password = ''
  return { url: shown, path: url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/` }
}

/**
 * The path of an object, percent-encoded segment by segment.
 *
 * @throws NimctlError `usage` / `STORE_KEY_OUTSIDE`, `STORE_KEY_NOT_ALLOWED`.
 */
export function pathOf({ url, path }: Location, key: string): string {
  checkKey(key, url)
  // Servers take several slashes for one, and a slash at the end for a folder.
  if (!key.split('/').includes('') && key.isWellFormed()) return path + encodeKey(key)
  throw new NimctlError('usage', 'STORE_KEY_NOT_ALLOWED', {
    what: `${JSON.stringify(key)} can't be the name of a file at ${url.href}.`,
    why: 'Names between slashes are not empty, and are Unicode.',
    next: 'Rename the file.',
  })
}

export function encodeKey(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/')
}

/** Every folder on the way to what lies at a path, the deepest first, without the server's root. Each ends with `/`. */
export function foldersAbove(path: string): string[] {
  const end = path.lastIndexOf('/', path.length - 2)
  if (end <= 0) return []
  const folder = path.slice(0, end + 1)
  return [folder, ...foldersAbove(folder)]
}
