import { NimctlError } from '../../system/errors.ts'
import { checkKey } from '../key.ts'

/** Where a store's keys lie. */
export interface Location {
  readonly url: URL
  readonly bucket: string
  /** Ends with `/`, or is empty. */
  readonly prefix: string
}

/** @throws NimctlError `usage` / `STORE_URL_INVALID`. */
export function parseGsUrl(url: URL): Location {
  const path = decoded(url.pathname.slice(1))
  const problem = problemOf(url) ?? (path === undefined ? 'A "%" in a prefix is written as %25.' : undefined)
  if (path === undefined || problem !== undefined) {
    throw new NimctlError('usage', 'STORE_URL_INVALID', {
      what: `"gs://${url.hostname}${url.pathname}" is not the address of a bucket of Google Cloud Storage.`,
      why: problem,
      next: 'Write it as: gs://bucket/prefix',
    })
  }
  return { url, bucket: url.hostname, prefix: path === '' || path.endsWith('/') ? path : `${path}/` }
}

/**
 * The name of the object in the bucket.
 *
 * @throws NimctlError `usage` / `STORE_KEY_OUTSIDE`, `STORE_KEY_NOT_ALLOWED`.
 */
export function fullKey(location: Location, key: string): string {
  checkKey(key, location.url)
  const name = location.prefix + key
  const problem = nameProblem(name)
  if (problem === undefined) return name
  throw new NimctlError('usage', 'STORE_KEY_NOT_ALLOWED', {
    what: `${JSON.stringify(name)} can't be the name of an object in gs://${location.bucket}.`,
    why: problem,
    next: 'Rename the file, or choose a shorter prefix.',
  })
}

const longestName = 1024

/** https://docs.cloud.google.com/storage/docs/objects#naming */
function nameProblem(name: string): string | undefined {
  if (/[\r\n]/.test(name)) return 'Google Cloud Storage takes no line ends in names.'
  if (name.startsWith('.well-known/acme-challenge/')) return 'Google keeps .well-known/acme-challenge/ for itself.'
  const length = Buffer.byteLength(name)
  return length > longestName ? `It has ${length} bytes in UTF-8, and ${longestName} are allowed.` : undefined
}

function problemOf(url: URL): string | undefined {
  if (url.hostname === '') return 'It names no bucket.'
  if (url.username !== '' || url.password !== '') return 'Credentials do not belong into an address.'
  if (url.port !== '') return 'The server is given with STORAGE_EMULATOR_HOST or --endpoint-url.'
  return url.search === '' && url.hash === '' ? undefined : 'Write "?" and "#" in a prefix as %3F and %23.'
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}
