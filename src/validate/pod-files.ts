import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import { readTreeListing, treeScript } from '../cache/tree-listing.ts'
import type { InventoryEntry } from '../inventory/inventory.ts'
import type { Cluster, ExecOutcome } from '../kubernetes/cluster.ts'
import type { Check, CheckLog } from '../system/check.ts'

export interface PodVolume {
  cluster: Cluster
  pod: string
  container: string
  /** Of the cache, in the container. */
  path: string
  /** Absent: only what the volume itself tells is judged. */
  entries?: readonly InventoryEntry[]
  checks: CheckLog
  signal: AbortSignal
}

/** Files and links that were found, and the bytes of the files. */
export interface VolumeSize {
  files: number
  bytes: number
}

/** Lists the cache in the container, and compares names, sizes and links. No content is read. */
export async function checkVolume(volume: PodVolume): Promise<VolumeSize> {
  const { cluster, pod, container, path, checks, signal } = volume
  const lines: string[] = []
  const command = ['sh', '-c', treeScript, 'sh', path]
  const onLine = (line: string) => void lines.push(line)
  const outcome = await cluster.exec({ pod, container, command, onLine }, signal)
  const tree = lines.some(isCut) ? undefined : readTreeListing(path, lines)
  const entries = tree?.entries.filter(({ type }) => type !== 'directory') ?? []
  const bytes = entries.reduce((sum, entry) => sum + (entry.type === 'file' ? entry.size : 0), 0)
  await checks.add(judgeListing(volume, { outcome, tree, found: { files: entries.length, bytes } }))
  if (tree === undefined) return { files: 0, bytes: 0 }
  if (volume.entries === undefined) await checkLinks(volume, tree)
  else await compare(volume, tree, volume.entries)
  return { files: entries.length, bytes }
}

/** Without `stat` a file's line has no size, without `readlink` a link's no target. */
function isCut(line: string): boolean {
  return /^(?:file|link)\t[^\t]*\t$/.test(line)
}

interface Listing {
  outcome: ExecOutcome
  tree: CacheTree | undefined
  found: VolumeSize
}

function judgeListing({ pod, path }: PodVolume, { outcome, tree, found }: Listing): Check {
  const check = {
    name: 'pod.files',
    method: 'structure',
    path: `${pod}:${path}`,
    expected: 'files of a cache',
  } as const
  const { exitCode, said } = outcome
  if (tree !== undefined) {
    const some = found.files > 0
    return {
      ...check,
      status: some ? 'ok' : 'failed',
      found: `${found.files} files and links, ${found.bytes} bytes`,
      ...(!some && { next: 'Look which volume is mounted there, and where the cache lies: --cache-path' }),
    }
  }
  // The shell's own words, where it could not enter the directory; busybox and dash exit with 1 or 2.
  if (/can't cd|cd: /.test(said)) {
    return {
      ...check,
      status: 'failed',
      found: said,
      next: 'Say where in the container the cache lies: --cache-path. Where it lies there, look who may read it.',
    }
  }
  const why = said || (exitCode === 0 ? 'the list has no sizes, or no end' : `exit ${exitCode}`)
  return {
    ...check,
    status: 'not-provable',
    found: `the container can not list its files: ${why}`,
    next: 'It needs sh, stat and readlink. Mount the volume in a pod of an image that has them (busybox), and name that one, or another container with -c.',
  }
}

async function checkLinks({ pod, path, checks }: PodVolume, { entries }: CacheTree): Promise<void> {
  for (const entry of entries) {
    if (entry.type === 'link' && entry.resolved === undefined) await checks.add(brokenLink(`${pod}:${path}`, entry))
  }
}

function brokenLink(place: string, { path, target }: { path: string; target: string }): Check {
  return {
    name: 'pod.link',
    status: 'failed',
    method: 'structure',
    path: `${place}/${path}`,
    expected: 'a link to a file of the cache',
    found: target,
    next: refill,
  }
}

const refill = 'Fill the volume again from the store: nimctl download, or the loader of nimctl emit.'

async function compare(volume: PodVolume, tree: CacheTree, entries: readonly InventoryEntry[]): Promise<void> {
  const { pod, path, checks } = volume
  const place = `${pod}:${path}`
  const byPath = new Map(tree.entries.map(entry => [entry.path, entry]))
  const named = new Set<string>()
  for (const expected of entries) {
    if (expected.type === 'directory') continue
    named.add(expected.path)
    const check = judgeEntry(place, expected, { found: byPath.get(expected.path), byPath })
    if (check !== undefined) await checks.add(check)
  }
  for (const entry of tree.entries) {
    if (entry.type === 'directory' || named.has(entry.path)) continue
    await checks.add({
      name: 'pod.extra',
      status: 'warning',
      method: 'structure',
      path: `${place}/${entry.path}`,
      found: 'a file that the inventory does not name',
      next: 'The NIM may have written it; if not, look which model lies in this volume.',
    })
  }
}

/** `undefined` where all is well. What is told of a blob is not told again of each link to it. */
function judgeEntry(
  place: string,
  expected: Exclude<InventoryEntry, { type: 'directory' }>,
  { found, byPath }: { found: CacheEntry | undefined; byPath: ReadonlyMap<string, CacheEntry> },
): Check | undefined {
  const path = `${place}/${expected.path}`
  if (found === undefined || found.type === 'directory') {
    const what = expected.type === 'link' ? `a link to ${expected.target}` : `${expected.size} bytes`
    return {
      name: 'pod.file-missing',
      status: 'failed',
      method: 'structure',
      path,
      expected: what,
      found: 'nothing',
      next: refill,
    }
  }
  if (found.type === 'link') {
    if (expected.type === 'link' && found.target === expected.target) return undefined
    const size = found.resolved === undefined ? undefined : sizeAt(byPath, found.resolved)
    if (expected.type === 'file' && size === expected.size) return undefined
    if (expected.type === 'file') return brokenLink(place, found)
    return { ...brokenLink(place, found), expected: `a link to ${expected.target}` }
  }
  // A reader such as aws s3 sync leaves copies in place of links.
  if (found.size === expected.size) return undefined
  return {
    name: 'pod.file-size',
    status: 'failed',
    method: 'size',
    path,
    expected: `${expected.size} bytes`,
    found: `${found.size} bytes`,
    next: refill,
  }
}

function sizeAt(byPath: ReadonlyMap<string, CacheEntry>, path: string): number | undefined {
  const entry = byPath.get(path)
  return entry?.type === 'file' ? entry.size : undefined
}
