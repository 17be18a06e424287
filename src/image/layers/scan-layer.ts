import { createHash } from 'node:crypto'
import { posix } from 'node:path'

import { NimctlError } from '../../system/errors.ts'
import { readBytes } from './byte-reader.ts'
import { decompress } from './decompress.ts'
import type { Layer } from './layer.ts'
import { TarDamaged, type TarEntry, tarEntries } from './tar-entries.ts'

/** What a layer says of a path; all lower layers are hidden by it. */
export type Finding = { type: 'file'; bytes: Buffer } | { type: 'link'; target: string } | { type: 'removed' }

export interface ScanOptions {
  image: string
  /** Stop at the first of the paths; else all are looked for. */
  any: boolean
  signal: AbortSignal
}

/** The largest known model manifest, of 20,000 files, has 3 MiB. */
const largestFile = 64 * 1024 * 1024

/**
 * What one layer says of some absolute paths. Nothing is written to a disk. It is read as far as is needed and no further;
 * a layer that was read to its end is held against its digest.
 *
 * @throws NimctlError `check-failed` / `IMAGE_DAMAGED`; `usage` / `MANIFEST_INVALID` for a file that is too large; what
 * reading throws.
 */
export async function scanLayer(
  layer: Layer,
  paths: readonly string[],
  { image, any, signal }: ScanOptions,
): Promise<Map<string, Finding>> {
  const done = new AbortController()
  const content = openContent(layer, image, AbortSignal.any([signal, done.signal]))
  const findings = new Map<string, Finding>()
  try {
    signal.throwIfAborted()
    for await (const entry of tarEntries(readBytes(content))) {
      for (const path of paths) await note(entry, path, findings, image)
      if (isEnough(findings, paths, any)) return findings
    }
    // Behind the archive's end there may be padding, and the end of the compression, which checks itself.
    for await (const rest of content) void rest
    return findings
  } catch (error) {
    signal.throwIfAborted()
    throw isDamage(error) ? damaged(image, layer, error) : error
  } finally {
    // What is on its way fails now, which nobody waits for any more.
    await content.return(undefined).catch(() => {})
    done.abort()
  }
}

function isEnough(findings: Map<string, Finding>, paths: readonly string[], any: boolean): boolean {
  const isThere = (path: string) => ['file', 'link'].includes(findings.get(path)?.type ?? '')
  const [preferred = ''] = paths
  return isThere(preferred) || (any && paths.some(isThere))
}

/** OCI Image Specification, layer.md: whiteouts. What a layer itself holds counts more than what it removes. */
async function note(entry: TarEntry, path: string, findings: Map<string, Finding>, image: string): Promise<void> {
  const own = path.slice(1)
  if (entry.path === own) {
    findings.set(path, await findingOf(entry, '', image))
    return
  }
  const isAbove = own.startsWith(`${entry.path}/`)
  if (isAbove && entry.type !== 'directory') {
    findings.set(path, await findingOf(entry, own.slice(entry.path.length), image))
    return
  }
  const removes = removedBy(entry.path)
  if (removes === undefined || findings.has(path)) return
  if (removes === '' || own === removes || own.startsWith(`${removes}/`)) findings.set(path, { type: 'removed' })
}

/** @param rest of the path, behind the entry. */
async function findingOf(entry: TarEntry, rest: string, image: string): Promise<Finding> {
  switch (entry.type) {
    case 'file':
      if (rest !== '') return { type: 'removed' }
      if (entry.size > largestFile) throw tooLarge(image, entry)
      return { type: 'file', bytes: await entry.read() }
    case 'link':
      return { type: 'link', target: posix.resolve('/', posix.dirname(entry.path), entry.target) + rest }
    case 'hard-link':
      return rest === '' ? { type: 'link', target: posix.resolve('/', entry.target) } : { type: 'removed' }
    case 'directory':
    case 'other':
      return { type: 'removed' }
  }
}

const whiteout = '.wh.'

/** `.wh.NAME` removes NAME and all below it, `.wh..wh..opq` all that lies in its directory: `''` is the top. */
function removedBy(path: string): string | undefined {
  const name = posix.basename(path)
  if (!name.startsWith(whiteout)) return undefined
  const directory = posix.dirname(path) === '.' ? '' : posix.dirname(path)
  return name === '.wh..wh..opq' ? directory : posix.join(directory, name.slice(whiteout.length))
}

function openContent(layer: Layer, image: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stored = layer.open(signal)
  return layer.digestOf === 'stored'
    ? decompress(verified(stored, layer, image))
    : verified(decompress(stored), layer, image)
}

/** The bytes as they are; at their end it is known whether they were the right ones. */
async function* verified(bytes: AsyncIterable<Buffer>, layer: Layer, image: string): AsyncGenerator<Buffer> {
  const [algorithm = '', expected] = layer.digest.split(':')
  const hash = createHash(algorithm === 'sha512' ? 'sha512' : 'sha256')
  for await (const chunk of bytes) {
    hash.update(chunk)
    yield chunk
  }
  const found = hash.digest('hex')
  if (found !== expected) throw damaged(image, layer, new Error(`Its bytes have the digest ${algorithm}:${found}.`))
}

function isDamage(error: unknown): error is Error {
  if (error instanceof TarDamaged) return true
  return error instanceof Error && 'code' in error && /^(?:Z_|ZSTD_)/.test(String(error.code))
}

function damaged(image: string, { digest }: Layer, cause: Error): NimctlError {
  return new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A layer of ${image} is damaged.`,
    why: `${digest}: ${cause.message}`,
    next: 'The image has to be copied anew: nimctl mirror compares digests.',
    cause,
  })
}

function tooLarge(image: string, { path, size }: TarEntry): NimctlError {
  return new NimctlError('usage', 'MANIFEST_INVALID', {
    what: `/${path} in ${image} is too large to be a model manifest.`,
    why: `It has ${size} bytes; ${largestFile} are taken at most.`,
  })
}
