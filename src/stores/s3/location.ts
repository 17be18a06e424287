import { NimctlError } from '../../system/errors.ts'
import { encodePath } from '../http/encode.ts'
import { checkKey, isDecodable } from '../key.ts'

/** Where a store's keys lie. */
export interface Location {
  readonly url: URL
  readonly bucket: string
  /** Ends with `/`, or is empty. */
  readonly prefix: string
}

/** @throws NimctlError `usage` / `STORE_URL_INVALID`. */
export function parseS3Url(url: URL): Location {
  const problem = problemOf(url)
  if (problem !== undefined) {
    throw new NimctlError('usage', 'STORE_URL_INVALID', {
      what: `"s3://${url.hostname}${url.pathname}" is not the address of an S3 store.`,
      why: problem,
      next: 'Write it as: s3://bucket/prefix',
    })
  }
  const path = decodeURIComponent(url.pathname.slice(1))
  return { url, bucket: url.hostname, prefix: path === '' || path.endsWith('/') ? path : `${path}/` }
}

/** The key inside the bucket. */
export function fullKey(location: Location, key: string): string {
  checkKey(key, location.url)
  return location.prefix + key
}

/** `CopySource` and the like: encoded, but for the slashes. */
export function encodedSource(location: Location, key: string): string {
  return `${location.bucket}/${encodePath(fullKey(location, key))}`
}

function problemOf(url: URL): string | undefined {
  if (url.hostname === '') return 'It names no bucket.'
  if (url.username !== '' || url.password !== '') return 'Credentials do not belong into an address.'
  if (url.port !== '') return 'The server is given with --endpoint-url.'
  if (url.search !== '' || url.hash !== '') return 'Write "?" and "#" in a prefix as %3F and %23.'
  return isDecodable(url.pathname) ? undefined : 'A "%" in a prefix is written as %25.'
}
