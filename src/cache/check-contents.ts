import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'

import { createBLAKE3 } from 'hash-wasm'
import pMap from 'p-map'

import type { Check } from '../system/check.ts'
import type { Report } from '../system/progress.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'
import { type Blake3Sums, parseChecksums } from './own-sums.ts'

type FileEntry = CacheEntry & { type: 'file' }
type Algorithm = 'md5' | 'sha256' | 'git-sha1' | 'blake3'

/** What names and lists say that a file's bytes sum up to: lower-case hex. */
interface Claims {
  file: FileEntry
  sums: Partial<Record<Algorithm, string>>
}

interface ContentOptions {
  /** Checksums that were noted when the directory was filled. */
  ownSums: Blake3Sums
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Reads every file that claims a checksum: blobs named by their MD5 (NGC) or by SHA-256 or Git's SHA-1 (Hugging Face),
 * what `checksums.blake3` lists (reference/nim.md 4.1: it may list files that this profile did not download), and what
 * nimctl noted itself.
 */
export async function checkContents(tree: CacheTree, options: ContentOptions): Promise<Check[]> {
  const claims = [...(await readClaims(tree, options.ownSums)).values()].filter(
    ({ sums }) => Object.keys(sums).length > 0,
  )
  return (await readAll(tree.root, claims, options)).map(({ check }) => check)
}

/** What a later download may rightly change: it says where something lies, and is no part of a model. */
const changing =
  /(?:^|\/)(?:refs|\.cache|\.locks)\/|(?:^|\/)(?:model_manifest\.json|version\.txt)$|\.(?:lock|metadata)$/

/**
 * Reads every file, and gives back what was found beside the verdicts. Links have the sum of what they lead to; what may
 * change has none.
 */
export async function sumContents(
  tree: CacheTree,
  options: ContentOptions,
): Promise<{ checks: Check[]; sums: Blake3Sums }> {
  const claims = [...(await readClaims(tree, options.ownSums)).values()]
  const read = await readAll(tree.root, claims, { ...options, always: 'blake3' })
  const found = new Map(read.map(({ path, blake3 = '' }) => [path, blake3]))
  const sums = tree.entries.flatMap(entry => {
    const sum = found.get(fileBehind(entry) ?? '')
    return sum === undefined || changing.test(entry.path) ? [] : [[entry.path, sum] as const]
  })
  return { checks: read.map(({ check }) => check), sums: new Map(sums) }
}

async function readAll(
  root: string,
  claims: readonly Claims[],
  { always, concurrency, signal, report }: ContentOptions & { always?: Algorithm },
): Promise<{ path: string; check: Check; blake3?: string }[]> {
  return await pMap(
    claims,
    async ({ file, sums }) => {
      const wanted = new Set([...Object.keys(sums), ...(always === undefined ? [] : [always])])
      const found = await sumFile(root, { file, wanted: algorithms.filter(name => wanted.has(name)), signal })
      report({ event: 'finished', key: file.path, action: 'checked' })
      return {
        path: file.path,
        check: judge(file.path, { sums, found }),
        ...(found.blake3 && { blake3: found.blake3 }),
      }
    },
    { concurrency, signal },
  )
}

async function readClaims({ root, entries }: CacheTree, ownSums: Blake3Sums): Promise<Map<string, Claims>> {
  const claims = new Map<string, Claims>()
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  for (const entry of entries) {
    if (entry.type === 'file') claims.set(entry.path, { file: entry, sums: claimOfName(entry) })
  }
  for (const { path } of entries.filter(entry => posix.basename(entry.path) === 'checksums.blake3')) {
    const text = await readFile(join(root, path), 'utf8').catch(() => '')
    for (const [blake3, name] of parseChecksums(text)) claim(byPath.get(posix.join(dirname(path), name)), blake3)
  }
  for (const [path, blake3] of ownSums) claim(byPath.get(path), blake3)
  return claims

  function claim(entry: CacheEntry | undefined, blake3: string): void {
    const known = claims.get(fileBehind(entry) ?? '')
    if (known !== undefined) known.sums.blake3 = blake3
  }
}

/** Hugging Face names large files by their SHA-256 and the others as Git does. */
function claimOfName({ path, claimedMd5 }: FileEntry): Claims['sums'] {
  if (claimedMd5 !== undefined) return { md5: claimedMd5 }
  const [, sha1, sha256] = /(?:^|\/)huggingface\/.*\/blobs\/(?:([0-9a-f]{40})|([0-9a-f]{64}))$/.exec(path) ?? []
  return { ...(sha1 && { 'git-sha1': sha1 }), ...(sha256 && { sha256 }) }
}

function fileBehind(entry: CacheEntry | undefined): string | undefined {
  if (entry?.type === 'file') return entry.path
  return entry?.type === 'link' ? entry.resolved : undefined
}

const chunkSize = 1024 * 1024

const algorithms = ['md5', 'sha256', 'git-sha1', 'blake3'] as const satisfies readonly Algorithm[]

type Hasher = { update(chunk: Uint8Array): unknown; digest(encoding: 'hex'): string }

async function sumFile(
  root: string,
  { file, wanted, signal }: { file: FileEntry; wanted: readonly Algorithm[]; signal: AbortSignal },
): Promise<Partial<Record<Algorithm, string>>> {
  const hashers = await Promise.all(wanted.map(async name => [name, await openHasher(name, file.size)] as const))
  for await (const chunk of createReadStream(join(root, file.path), { highWaterMark: chunkSize, signal })) {
    for (const [, hasher] of hashers) hasher.update(chunk)
  }
  return Object.fromEntries(hashers.map(([name, hasher]) => [name, hasher.digest('hex')]))
}

async function openHasher(name: Algorithm, size: number): Promise<Hasher> {
  if (name === 'blake3') return (await createBLAKE3()).init()
  if (name !== 'git-sha1') return createHash(name) satisfies Hash
  return createHash('sha1').update(`blob ${size}\0`)
}

function judge(
  path: string,
  { sums, found }: { sums: Claims['sums']; found: Partial<Record<Algorithm, string>> },
): Check {
  const claimed = algorithms.filter(name => sums[name] !== undefined)
  if (claimed.every(name => sums[name] === found[name])) {
    return { name: 'cache.content', status: 'ok', method: 'content', path }
  }
  return {
    name: 'cache.content',
    status: 'failed',
    method: 'content',
    path,
    expected: claimed.map(name => `${name} ${sums[name]}`).join(', '),
    found: claimed.map(name => `${name} ${found[name]}`).join(', '),
    next: 'Remove this file, then run nimctl cache again: it is fetched anew.',
  }
}
