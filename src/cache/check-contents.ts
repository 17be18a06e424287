import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'

import { createBLAKE3 } from 'hash-wasm'
import pMap from 'p-map'

import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import type { Check } from '../system/check.ts'
import type { Report } from '../system/progress.ts'

interface Claims {
  path: string
  /** Lower-case hex, from the blob's name. */
  md5?: string
  /** Lower-case hex, from a `checksums.blake3` beside a link to it. */
  blake3?: string
}

/**
 * Reads every file that claims a checksum: blobs named by their MD5, and what `checksums.blake3` lists
 * (reference/nim.md 4.1: it may list files that this profile did not download).
 */
export async function checkContents(
  tree: CacheTree,
  { concurrency, signal, report }: { concurrency: number; signal: AbortSignal; report: Report },
): Promise<Check[]> {
  const claims = await readClaims(tree)
  return await pMap(
    claims.values(),
    async claim => {
      const check = await checkClaims(claim, { root: tree.root, signal })
      report({ event: 'finished', key: claim.path, action: 'checked' })
      return check
    },
    { concurrency, signal },
  )
}

async function readClaims({ root, entries }: CacheTree): Promise<Map<string, Claims>> {
  const claims = new Map<string, Claims>()
  const byPath = new Map(entries.map(entry => [entry.path, entry]))
  for (const entry of entries) {
    if (entry.type === 'file' && entry.claimedMd5 !== undefined) {
      claims.set(entry.path, { path: entry.path, md5: entry.claimedMd5 })
    }
  }
  for (const { path } of entries.filter(entry => posix.basename(entry.path) === 'checksums.blake3')) {
    const text = await readFile(join(root, path), 'utf8').catch(() => '')
    for (const [blake3, name] of parseChecksums(text)) {
      const source = fileBehind(byPath.get(posix.join(dirname(path), name)))
      if (source !== undefined) claims.set(source, { ...claims.get(source), path: source, blake3 })
    }
  }
  return claims
}

/** Lines of `<hash>  <path>`, two spaces. */
function parseChecksums(text: string): [string, string][] {
  return text.split('\n').flatMap(line => {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line)
    return match === null ? [] : [[match[1] ?? '', (match[2] ?? '').replace(/^\.\//, '')]]
  })
}

function fileBehind(entry: CacheEntry | undefined): string | undefined {
  if (entry?.type === 'file') return entry.path
  return entry?.type === 'link' ? entry.resolved : undefined
}

const chunkSize = 1024 * 1024

async function checkClaims(
  { path, md5, blake3 }: Claims,
  { root, signal }: { root: string; signal: AbortSignal },
): Promise<Check> {
  const md5Hash = md5 === undefined ? undefined : createHash('md5')
  const blake3Hash = blake3 === undefined ? undefined : (await createBLAKE3()).init()
  for await (const chunk of createReadStream(join(root, path), { highWaterMark: chunkSize, signal })) {
    md5Hash?.update(chunk)
    blake3Hash?.update(chunk)
  }
  const foundMd5 = md5Hash?.digest('hex')
  const foundBlake3 = blake3Hash?.digest('hex')
  if (foundMd5 === md5 && foundBlake3 === blake3)
    return { name: 'cache.content', status: 'ok', method: 'content', path }
  return {
    name: 'cache.content',
    status: 'failed',
    method: 'content',
    path,
    expected: [md5 && `md5 ${md5}`, blake3 && `blake3 ${blake3}`].filter(Boolean).join(', '),
    found: [foundMd5 && `md5 ${foundMd5}`, foundBlake3 && `blake3 ${foundBlake3}`].filter(Boolean).join(', '),
    next: 'Remove this file, then run nimctl cache again: it is fetched anew.',
  }
}
