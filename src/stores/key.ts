import { NimctlError } from '../system/errors.ts'

/**
 * Keys come from listings and inventories that somebody else may have written, and end as paths.
 *
 * @throws NimctlError `usage` / `STORE_KEY_OUTSIDE` for absolute keys, `.` and `..` segments and NUL.
 */
export function checkKey(key: string, url: URL): void {
  const leadsOutside = key === '' || key.startsWith('/') || key.includes('\0')
  if (!leadsOutside && !key.split('/').some(segment => segment === '.' || segment === '..')) return
  throw keyOutside(key, url)
}

export function keyOutside(key: string, url: URL): NimctlError {
  return new NimctlError('usage', 'STORE_KEY_OUTSIDE', {
    what: `The key ${JSON.stringify(key)} leads outside of ${url.href}.`,
    why: 'Keys are relative, without "." and ".." between their slashes.',
  })
}

/** Whether each `%` of a URL's path begins an encoded byte, and the bytes are UTF-8. */
export function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch (error) {
    if (error instanceof URIError) return false
    throw error
  }
}
