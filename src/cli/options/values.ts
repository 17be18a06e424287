import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

import { InvalidArgumentError } from 'commander'

import { NimctlError } from '../../system/errors.ts'

/** Parsers for flags and arguments. Each refuses with one sentence of what would be right. */

export function parseCount(text: string): number {
  const count = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(count) || count < 1) {
    throw new InvalidArgumentError('Expected a whole number, 1 or more.')
  }
  return count
}

/** Of tries after the first, none is a number too. */
export function parseRetries(text: string): number {
  const count = Number(text)
  if (text.trim() === '' || !Number.isSafeInteger(count) || count < 0) {
    throw new InvalidArgumentError('Expected a whole number, 0 or more.')
  }
  return count
}

const units: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** `64Mi`, `64MiB`, `64m` and `67108864` are the same number of bytes. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b?)$/i.exec(text.trim())
  const bytes = Number(match?.[1]) * (units[match?.[2]?.toLowerCase() ?? ''] ?? Number.NaN)
  if (!Number.isFinite(bytes) || bytes < 1)
    throw new InvalidArgumentError('Expected a size such as 64Mi, 2GiB or 1048576.')
  return Math.round(bytes)
}

/** As Kubernetes writes amounts: `500m`, `1Gi`. @returns it as it was written. */
export function parseQuantity(text: string): string {
  if (/^\d+(\.\d+)?(m|[kMGTPE]|[KMGTPE]i)?$/.test(text)) return text
  throw new InvalidArgumentError('Expected a quantity such as 500m, 2 or 1Gi.')
}

/** HDFS wants whole chunks of its checksums. */
export function parseBlockSize(text: string): number {
  const size = parseSize(text)
  if (size % 512 !== 0) throw new InvalidArgumentError('Expected a multiple of 512 bytes, such as 64Mi.')
  return size
}

/** As chown takes it. */
export function parseOwner(text: string): string {
  if (!/^(?:[^:\s]+(?::[^:\s]+)?|:[^:\s]+)$/.test(text))
    throw new InvalidArgumentError('Expected user, user:group or :group.')
  return text
}

/** Of a container, which knows numbers alone. */
export function parseServingUser(text: string): { uid: number; gid: number } {
  const [, uid, gid] = /^(\d+):(\d+)$/.exec(text) ?? []
  if (uid === undefined || gid === undefined) throw new InvalidArgumentError('Expected numbers such as 1000:2000.')
  return { uid: Number(uid), gid: Number(gid) }
}

/** As chmod takes it. */
export function parsePermission(text: string): string {
  if (!/^[0-7]{3,4}$/.test(text)) throw new InvalidArgumentError('Expected octal digits such as 640.')
  return text
}

export function parseWebhdfsUrls(text: string): URL[] {
  return text.split(',').map(item => {
    const url = URL.canParse(item) ? new URL(item) : undefined
    if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '') return url
    throw new InvalidArgumentError('Expected addresses such as http://namenode:9870, with commas between.')
  })
}

const schemes = [
  's3://bucket/prefix',
  'gs://bucket/prefix',
  'https://ACCOUNT.blob.core.windows.net/container/prefix',
  'https://host/path',
  'hdfs://namenode/path',
  'webhdfs://namenode:9870/path or file:///dir',
].join(', ')

/** @throws NimctlError `usage` / `URL_INVALID`. */
export function parseStoreUrl(text: string): URL {
  if (isAbsolute(text) || /^\.{1,2}\//.test(text)) {
    throw new NimctlError('usage', 'URL_INVALID', {
      what: `"${text}" is a directory where a store's URL belongs.`,
      next: `A directory is a store as ${pathToFileURL(resolve(text)).href}`,
    })
  }
  if (URL.canParse(text)) return new URL(text)
  throw new NimctlError('usage', 'URL_INVALID', {
    what: `"${text}" is no store's URL.`,
    next: `Expected ${schemes}.`,
  })
}

/** @throws NimctlError `usage` / `ENDPOINT_URL_INVALID`. */
export function parseEndpointUrl(text: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
    what: `"${text}" is not the address of a model server.`,
    next: 'Write it as https://HOST:PORT',
  })
}

/** `a,b` in this order. */
export function parseList(text: string): string[] {
  const items = text.split(',').map(item => item.trim())
  if (items.includes('')) throw new InvalidArgumentError('Expected names with commas between them.')
  return items
}

/** `a=b&c=d`, percent-encoded or not. @returns it encoded, as a header holds it. */
export function parseTagging(text: string): string {
  const tags = text.split('&').map(tag => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(tag) ?? []
    if (key === undefined || value === undefined) throw new InvalidArgumentError('Expected "team=ml&stage=prod".')
    return `${encodeTag(key)}=${encodeTag(value)}`
  })
  return tags.join('&')
}

function encodeTag(text: string): string {
  try {
    return encodeURIComponent(decodeURIComponent(text))
  } catch (error) {
    if (error instanceof URIError) throw new InvalidArgumentError('A "%" in a tag is written as %25.')
    throw error
  }
}

export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}

export function parseDigest(text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text
  throw new InvalidArgumentError('Expected sha256: and 64 hex digits, as nimctl upload prints it.')
}

/** `IMAGE@sha256:…`, as nimctl list shows them. */
export function parseImageDigest(text: string): { reference: string; digest: string } {
  const match = /^(.+)@(sha256:[0-9a-f]{12,64})$/.exec(text)
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError('Expected IMAGE@sha256:…, as nimctl list shows them.')
  }
  return { reference: match[1], digest: match[2] }
}

const durations: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90s`, `30m`, `12h` or `2d`, in milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text.trim())
  const durationMs = Number(match?.[1]) * (durations[match?.[2] ?? ''] ?? Number.NaN)
  if (Number.isNaN(durationMs)) throw new InvalidArgumentError('Expected a duration such as 30m, 12h or 2d.')
  return durationMs
}

/** Without the fields that nobody set. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
