/** Percent-encoding: all but letters, digits, `-`, `.`, `_` and `~` (RFC 3986, 2.3). Signatures of S3 want just this. */
export function encodeUri(text: string): string {
  if (!/[^\w.~-]/.test(text)) return text
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** The same, but for the slashes. */
export function encodePath(path: string): string {
  return /[^\w.~/-]/.test(path) ? path.split('/').map(encodeUri).join('/') : path
}

/** @param query sorted by name. */
export function encodeQuery(query: Record<string, string>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeUri(name)}=${encodeUri(value)}`)
  return pairs.join('&')
}
