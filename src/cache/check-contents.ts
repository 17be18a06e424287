import { open, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, posix } from 'node:path'

import pMap from 'p-map'

import type { Check } from '../system/check.ts'
import {
  type DigestAlgorithm,
  type DigestThreads,
  openDigestThreads,
  type RunningDigest,
} from '../system/digest-threads.ts'
import type { Report } from '../system/progress.ts'
import type { CacheEntry, CacheTree } from './cache-tree.ts'
import { isLeftover } from './leftover.ts'
import { type Blake3Sums, parseChecksums } from './own-sums.ts'
import { unreadable } from './scan.ts'

type FileEntry = CacheEntry & { type: 'file' }
type Algorithm = 'md5' | 'sha256' | 'git-sha1' | 'blake3'

/** What a file's bytes should sum up to: lower-case hex. */
interface Claims {
  file: FileEntry
  /** By the file's own name. */
  name: { algorithm: Algorithm; sum: string } | undefined
  /** By lists, which name the file itself or links to it. */
  listed: { path: string; list: string; blake3: string }[]
}

interface ContentOptions {
  /** Checksums that were noted when the directory was filled. */
  ownSums: Blake3Sums
  /** Files that are read at once. */
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Reads every file that claims a checksum: blobs named by their MD5 (NGC) or by SHA-256 or Git's SHA-1 (Hugging Face),
 * what `checksums.blake3` lists (reference/nim.md 4.1: it may list files that this profile did not download), and what
 * nimctl noted itself. What claims none is not read, and not provable.
 *
 * @throws NimctlError `local` / `CACHE_UNREADABLE` naming the path.
 */
export async function checkContents(tree: CacheTree, options: ContentOptions): Promise<Check[]> {
  const claims = [...(await readClaims(tree, options.ownSums)).values()]
  const claiming = claims.filter(({ name, listed }) => name !== undefined || listed.length > 0)
  const silent = claims.filter(each => !claiming.includes(each) && !isChanging(each.file.path))
  const read = await readAll(tree.root, claiming, options)
  return [...read.flatMap(({ checks }) => checks), ...silent.flatMap(notProvable)]
}

/** Says where something lies, and is no part of a model. */
const changing =
  /(?:^|\/)(?:refs|\.cache|\.locks)\/|(?:^|\/)(?:model_manifest\.json|version\.txt)$|\.(?:lock|metadata)$/

/** Whether a later download may rightly change it. */
export function isChanging(path: string): boolean {
  return changing.test(path)
}

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
    return sum === undefined || isChanging(entry.path) ? [] : [[entry.path, sum] as const]
  })
  return { checks: read.flatMap(({ checks }) => checks), sums: new Map(sums) }
}

async function readAll(
  root: string,
  claims: readonly Claims[],
  { always, concurrency, signal, report }: ContentOptions & { always?: Algorithm },
): Promise<{ path: string; checks: Check[]; blake3?: string }[]> {
  const threads = openDigestThreads(availableParallelism())
  const totalBytes = claims.reduce((sum, { file }) => sum + file.size, 0)
  report({ event: 'started', task: 'read contents', totalBytes, totalFiles: claims.length })
  try {
    return await pMap(
      claims,
      async claim => {
        const { path } = claim.file
        const onBytes = (bytes: number) => report({ event: 'bytes', key: path, bytes })
        const wanted = wantedOf(claim, always)
        const found = await sumFile(join(root, path), { size: claim.file.size, wanted, threads, onBytes, signal })
        report({ event: 'finished', key: path, action: 'checked' })
        return { path, checks: judge(claim, found), ...(found.blake3 && { blake3: found.blake3 }) }
      },
      { concurrency, signal },
    )
  } finally {
    report({ event: 'ended', task: 'read contents' })
    await threads.close()
  }
}

function wantedOf({ name, listed }: Claims, always: Algorithm | undefined): Algorithm[] {
  const wanted = new Set([name?.algorithm, always])
  if (listed.length > 0) wanted.add('blake3')
  return [...wanted].filter(algorithm => algorithm !== undefined)
}

async function readClaims({ root, entries }: CacheTree, ownSums: Blake3Sums): Promise<Map<string, Claims>> {
  const claims = new Map<string, Claims>()
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  for (const entry of entries) {
    if (entry.type === 'file') claims.set(entry.path, { file: entry, name: claimOfName(entry), listed: [] })
  }
  for (const { path: list } of entries.filter(entry => posix.basename(entry.path) === 'checksums.blake3')) {
    const text = await readFile(join(root, list), 'utf8').catch(() => '')
    for (const [blake3, name] of parseChecksums(text)) claim({ path: posix.join(dirname(list), name), list, blake3 })
  }
  for (const [path, blake3] of ownSums) claim({ path, list: 'nimctl cache', blake3 })
  return claims

  function claim(listed: Claims['listed'][number]): void {
    claims.get(fileBehind(byPath.get(listed.path)) ?? '')?.listed.push(listed)
  }
}

/** Hugging Face names large files by their SHA-256 and the others as Git does. */
function claimOfName({ path, claimedMd5 }: FileEntry): Claims['name'] {
  if (claimedMd5 !== undefined) return { algorithm: 'md5', sum: claimedMd5 }
  const [, sha1, sha256] = /(?:^|\/)huggingface\/.*\/blobs\/(?:([0-9a-f]{40})|([0-9a-f]{64}))$/.exec(path) ?? []
  if (sha1 !== undefined) return { algorithm: 'git-sha1', sum: sha1 }
  return sha256 === undefined ? undefined : { algorithm: 'sha256', sum: sha256 }
}

function fileBehind(entry: CacheEntry | undefined): string | undefined {
  if (entry?.type === 'file') return entry.path
  return entry?.type === 'link' ? entry.resolved : undefined
}

type Sums = Partial<Record<Algorithm, string>>

interface SumRequest {
  /** Bytes. */
  size: number
  wanted: readonly Algorithm[]
  threads: DigestThreads
  onBytes: (bytes: number) => void
  signal: AbortSignal
}

const chunkSize = 1024 * 1024

async function sumFile(path: string, request: SumRequest): Promise<Sums> {
  const { size, wanted, threads } = request
  const running = await Promise.all(wanted.map(name => beginSum(threads, name, size)))
  await addFile(path, running, request)
  const sums = await Promise.all(running.map(async sum => Buffer.from(await sum.end()).toString('hex')))
  return Object.fromEntries(wanted.map((name, index) => [name, sums[index]]))
}

/** Reads a chunk while threads sum the one before, each sum in a thread of its own. */
async function addFile(
  path: string,
  running: readonly RunningDigest<Uint8Array>[],
  { size, onBytes, signal }: SumRequest,
): Promise<void> {
  const bufferSize = Math.max(1, Math.min(chunkSize, size))
  const newBuffer = () => Buffer.from(new SharedArrayBuffer(bufferSize))
  let [filling, summed] = [newBuffer(), newBuffer()]
  let adding: Promise<unknown> = Promise.resolve()
  const failed = (error: unknown) => {
    throw unreadable(path, error)
  }
  const file = await open(path).catch(failed)
  try {
    for (;;) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(filling, 0, bufferSize).catch(failed)
      await adding
      if (bytesRead === 0) return
      ;[filling, summed] = [summed, filling]
      const piece = summed.subarray(0, bytesRead)
      adding = Promise.all(running.map(sum => sum.add(piece)))
      // Whoever awaits it hears of it.
      adding.catch(() => {})
      onBytes(bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function beginSum(threads: DigestThreads, name: Algorithm, size: number): Promise<RunningDigest<Uint8Array>> {
  const algorithms: Record<Algorithm, DigestAlgorithm> = {
    md5: 'md5',
    sha256: 'sha256',
    'git-sha1': 'sha1',
    blake3: 'blake3',
  }
  const sum = threads.beginOne(algorithms[name])
  if (name === 'git-sha1') await sum.add(Buffer.from(`blob ${size}\0`))
  return sum
}

/** Where a blob is what its name says, a list that says something else is about the link. */
function judge({ file, name, listed }: Claims, found: Sums): Check[] {
  if (name !== undefined && found[name.algorithm] !== name.sum) {
    const { algorithm, sum } = name
    return [changed(file.path, `${algorithm} ${sum}, by its name`, `${algorithm} ${found[algorithm]}`)]
  }
  const others = listed.filter(({ blake3 }) => blake3 !== found.blake3)
  if (others.length === 0) return [{ name: 'cache.content', status: 'ok', method: 'content', path: file.path }]
  const [{ list, blake3 } = { list: '', blake3: '' }] = others
  if (name === undefined) return [changed(file.path, `blake3 ${blake3}, by ${list}`, `blake3 ${found.blake3}`)]
  return others.map(other => ({
    name: 'cache.link-content',
    status: 'failed',
    method: 'content',
    path: other.path,
    expected: `blake3 ${other.blake3}, by ${other.list}`,
    found: `blake3 ${found.blake3}, of ${file.path}, which is what its name says`,
    next: 'Remove this link, then run nimctl cache again: it is made anew.',
  }))
}

function changed(path: string, expected: string, found: string): Check {
  return {
    name: 'cache.content',
    status: 'failed',
    method: 'content',
    path,
    expected,
    found,
    next: 'Remove this file, then run nimctl cache again: it is fetched anew.',
  }
}

function notProvable({ file: { path } }: Claims): Check[] {
  // Another check names what is left over, and a list cannot list itself.
  if (isLeftover(path) || posix.basename(path) === 'checksums.blake3') return []
  return [
    {
      name: 'cache.content',
      status: 'not-provable',
      method: 'structure',
      path,
      expected: 'a checksum in its name, in checksums.blake3 or noted by nimctl cache',
      found: 'none',
      next: 'Compare it with where it came from, or fill a directory anew with nimctl cache and compare with that.',
    },
  ]
}
