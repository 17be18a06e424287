import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import { isLeftover } from '../cache/leftover.ts'
import { unreadable } from '../cache/scan.ts'
import type { Check } from '../system/check.ts'

/** Blobs, refs and leftovers of hub trees, NGC's and Hugging Face's. */
export async function checkHub(tree: CacheTree): Promise<Check[]> {
  return [
    ...checkUnreferenced(tree),
    ...checkEmptied(tree),
    ...checkRefs(tree),
    ...(await checkCommits(tree)),
    ...tree.entries.flatMap(checkLeftover),
  ]
}

const blob = /(?:^|\/)models--[^/]+\/blobs\/([^/]+)$/

function checkUnreferenced({ entries }: CacheTree): Check[] {
  const used = new Set(entries.flatMap(entry => (entry.type === 'link' ? [entry.resolved] : [])))
  return entries
    .filter(({ type, path }) => type === 'file' && blob.test(path) && !used.has(path) && !isLeftover(path))
    .map(({ path }) => ({
      name: 'cache.blob-unreferenced',
      status: 'warning',
      method: 'structure',
      path,
      expected: 'a link of a snapshot that leads to it',
      found: 'none',
      next: 'It only costs space, or a link is missing: run nimctl cache again, then remove it if it is still named.',
    }))
}

/** By MD5, by Git's SHA-1, by SHA-256. */
const namesOfNothing = [
  'd41d8cd98f00b204e9800998ecf8427e',
  'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
]

/** The one content that needs no reading. */
function checkEmptied({ entries }: CacheTree): Check[] {
  return entries.flatMap(entry => {
    const name = blob.exec(entry.path)?.[1]
    if (entry.type !== 'file' || entry.size > 0 || name === undefined || !/^[0-9a-f]{32}/.test(name)) return []
    if (namesOfNothing.includes(name) || isLeftover(name)) return []
    return [
      {
        name: 'cache.content',
        status: 'failed',
        method: 'size',
        path: entry.path,
        expected: 'content, by its name',
        found: '0 bytes',
        next: 'Remove this file, then run nimctl cache again: it is fetched anew.',
      },
    ]
  })
}

/** Of NGC `refs/<version>` stands beside `snapshots/<version>`; what it holds is not documented (reference/nim.md 4.1). */
function checkRefs({ entries }: CacheTree): Check[] {
  const places = (pattern: RegExp) =>
    new Set(entries.flatMap(({ path }) => (pattern.exec(path) ?? []).slice(1, 3).join('\n') || []))
  const snapshots = places(/^(.*ngc\/hub\/models--[^/]+)\/snapshots\/([^/]+)\//)
  const refs = places(/^(.*ngc\/hub\/models--[^/]+)\/refs\/([^/]+)$/)
  return [
    ...[...snapshots].filter(place => !refs.has(place)).map(place => refMissing(place.replace('\n', '/refs/'))),
    ...[...refs]
      .filter(place => !snapshots.has(place))
      .map(place => snapshotMissing(place.replace('\n', '/snapshots/'), 'warning')),
  ]
}

function refMissing(path: string): Check {
  return {
    name: 'cache.ref-missing',
    status: 'warning',
    method: 'structure',
    path,
    expected: 'a file, as its snapshot has one everywhere',
    found: 'nothing',
    next: 'Run nimctl cache again for this directory.',
  }
}

function snapshotMissing(path: string, status: 'warning' | 'failed'): Check {
  return {
    name: 'cache.snapshot-missing',
    status,
    method: 'structure',
    path,
    expected: 'the snapshot that a file in refs/ names',
    found: 'nothing',
    next: 'Run nimctl cache again for this directory: it fetches what is missing.',
  }
}

/** Of Hugging Face `refs/<branch>` holds the commit, by which its library finds the snapshot without network. */
async function checkCommits({ root, entries }: CacheTree): Promise<Check[]> {
  const checks: Check[] = []
  for (const { type, path } of entries) {
    const [, model] = /^(.*\bmodels--[^/]+)\/refs\/.+$/.exec(path) ?? []
    if (type !== 'file' || model === undefined || /ngc\/hub\/[^/]+$/.test(model)) continue
    const file = join(root, path)
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      throw unreadable(file, error)
    })
    const snapshot = `${model}/snapshots/${text.trim()}`
    if (!entries.some(other => other.path.startsWith(`${snapshot}/`))) checks.push(snapshotMissing(snapshot, 'failed'))
  }
  return checks
}

function checkLeftover({ path, type }: CacheEntry): Check[] {
  if (type === 'directory' || !isLeftover(path)) return []
  return [
    {
      name: 'cache.leftover',
      status: 'warning',
      method: 'structure',
      path,
      expected: 'nothing',
      found: 'what an interrupted download left',
      next: 'Run nimctl cache again, then remove it.',
    },
  ]
}
