import type { CacheEntry, CacheTree } from '../cache/cache-tree.ts'
import { checkContents } from '../cache/check-contents.ts'
import { checkTree } from '../cache/check-tree.ts'
import { readOwnSums } from '../cache/own-sums.ts'
import { readCacheRecord } from '../cache/record.ts'
import { scanCacheTree } from '../cache/scan.ts'
import { listModels } from '../cache/snapshots.ts'
import type { ManifestProfile } from '../profiles/model-manifest.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import type { Report } from '../system/progress.ts'

export interface ValidateCacheRequest {
  directory: string
  /** The image's profiles that must be complete; absent: those that the cache's own record names. */
  profiles?: readonly ManifestProfile[]
  /** Hash every file. */
  deep: boolean
  /** Where the verdicts go. */
  checks: CheckLog
  concurrency: number
  signal: AbortSignal
  report: Report
}

/** Looks at a cache directory: layout, links, leftovers, profiles; with `deep` at every byte. Changes nothing. */
export async function validateCache(request: ValidateCacheRequest): Promise<CheckReport> {
  const { directory, deep, checks, report } = request
  report({ event: 'started', task: 'validate' })
  const [tree, record] = await Promise.all([scanCacheTree(directory), readCacheRecord(directory)])
  const ownSums = await readOwnSums(directory)
  const files = tree.entries.filter(entry => entry.type === 'file')
  const form = record?.form ?? 'hub'
  const nothingAsked: Check[] = request.profiles?.length === 0 ? [profilesUnknown] : []
  const verdicts = [
    ...(await checkTree(tree, { form, profiles: request.profiles ?? [], ownSums })),
    ...checkBlobs(tree),
    ...checkRefs(tree),
    ...files.flatMap(checkLeftover),
    ...files.flatMap(checkReadable),
    ...nothingAsked,
    ...(deep ? await checkContents(tree, { ...request, ownSums }) : []),
  ]
  for (const check of verdicts) await checks.add(check)
  report({ event: 'ended', task: 'validate' })
  const summary = {
    models: listModels(tree.entries),
    profiles: request.profiles?.map(({ id }) => id) ?? record?.profiles.map(({ id }) => id) ?? [],
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  }
  return checks.report(directory, summary)
}

function checkBlobs({ entries }: CacheTree): Check[] {
  const used = new Set(entries.flatMap(entry => (entry.type === 'link' ? [entry.resolved] : [])))
  return entries
    .filter(({ type, path }) => type === 'file' && /\/blobs\/[^/]+$/.test(path) && !used.has(path))
    .map(({ path }) => ({
      name: 'cache.blob-unreferenced',
      status: 'warning',
      method: 'structure',
      path,
      next: 'No snapshot links to it: it only costs space, or the download did not end.',
    }))
}

/** Every snapshot of NGC has a file `refs/<version>`; its content is not documented (reference/nim.md 4.1). */
function checkRefs({ entries }: CacheTree): Check[] {
  const paths = new Set(entries.map(({ path }) => path))
  const refs = new Set(
    entries.flatMap(({ path }) => {
      const snapshot = /^(.*ngc\/hub\/[^/]+)\/snapshots\/([^/]+)\//.exec(path)
      return snapshot === null ? [] : [`${snapshot[1]}/refs/${snapshot[2]}`]
    }),
  )
  return [...refs]
    .filter(path => !paths.has(path))
    .map(path => ({
      name: 'cache.ref-missing',
      status: 'warning',
      method: 'structure',
      path,
      next: 'Run nimctl cache again for this directory.',
    }))
}

function checkLeftover({ path }: CacheEntry): Check[] {
  if (!path.endsWith('.incomplete') && !/(?:^|\/)ngc\/hub\/tmp\//.test(path)) return []
  return [
    {
      name: 'cache.leftover',
      status: 'warning',
      method: 'structure',
      path,
      next: 'A download was interrupted: run nimctl cache again, then remove it.',
    },
  ]
}

/** The container that serves runs as another user, mostly 1000:2000 (reference/operator.md 4). */
function checkReadable(entry: CacheEntry & { type: 'file' }): Check[] {
  if ((entry.mode & 0o044) !== 0) return []
  return [
    {
      name: 'cache.mode',
      status: 'warning',
      method: 'structure',
      path: entry.path,
      expected: 'readable by the group or by all',
      found: entry.mode.toString(8),
      next: 'chmod -R a+rX DIR, or serve as the same user.',
    },
  ]
}

/** Else a cache without a record would pass against any image. */
const profilesUnknown: Check = {
  name: 'cache.profile',
  status: 'not-provable',
  method: 'structure',
  expected: 'profiles to compare with',
  found: 'a cache that does not say which it holds',
  next: 'Name them: --profile ID',
}
