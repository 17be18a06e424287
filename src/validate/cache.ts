import type { CacheForm, CacheRecord, CacheTree } from '../cache/cache-tree.ts'
import { checkAccess, type ServingUser } from '../cache/check-access.ts'
import { checkContents, isChanging } from '../cache/check-contents.ts'
import { checkTree } from '../cache/check-tree.ts'
import { isLeftover } from '../cache/leftover.ts'
import { type Blake3Sums, readOwnSums } from '../cache/own-sums.ts'
import { readCacheRecord } from '../cache/record.ts'
import { scanCacheTree } from '../cache/scan.ts'
import { isHubTree, listModels } from '../cache/snapshots.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import type { Report } from '../system/progress.ts'
import { checkHub } from './cache-hub.ts'
import {
  checkAsked,
  checkExtra,
  checkFamily,
  checkListed,
  checkSizes,
  type Compared,
  extraFile,
} from './cache-image.ts'
import { checkNames } from './cache-names.ts'
import type { ExpectedProfiles } from './expected-profiles.ts'

export interface ValidateCacheRequest {
  directory: string
  /** What it should hold. */
  expected: ExpectedProfiles
  /** Who must be able to read it. */
  serveAs: ServingUser
  /** Hash every file. */
  deep: boolean
  /** Where the verdicts go. */
  checks: CheckLog
  /** Files that are read at once. */
  concurrency: number
  signal: AbortSignal
  report: Report
}

/**
 * Looks at a cache directory: layout, links, names, modes, leftovers, profiles; with `deep` at every byte. Without it
 * nothing is said of contents, but of those that are empty and should not be. Changes nothing.
 */
export async function validateCache(request: ValidateCacheRequest): Promise<CheckReport> {
  const { directory, expected, deep, checks, report } = request
  report({ event: 'started', task: 'validate' })
  const [tree, record, ownSums] = await Promise.all([
    scanCacheTree(directory),
    readCacheRecord(directory),
    readOwnSums(directory),
  ])
  const compared = { tree, record, form: formOf(tree, record, expected) }
  const verdicts = [
    ...(await checkAgainst(compared, { expected, ownSums })),
    ...(await checkHub(tree)),
    ...checkNoted(compared, ownSums),
    ...checkNames(tree),
    ...(checks.wants('cache.mode') || checks.wants('cache.directory-mode')
      ? await checkAccess(directory, request.serveAs)
      : []),
  ]
  report({ event: 'ended', task: 'validate' })
  const emptied = new Set(verdicts.flatMap(({ name, path }) => (name === 'cache.content' ? [path] : [])))
  const wantsContents = checks.wants('cache.content') || checks.wants('cache.link-content')
  const contents = deep && wantsContents ? await checkContents(tree, { ...request, ownSums }) : []
  const read = contents.filter(({ path }) => !emptied.has(path))
  for (const check of [...verdicts, ...read]) await checks.add(check)
  const files = tree.entries.filter(entry => entry.type === 'file')
  const summary = {
    models: listModels(tree.entries),
    profiles:
      expected.profiles.length > 0
        ? expected.profiles.map(({ id }) => id)
        : (record?.profiles.map(({ id }) => id) ?? []),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  }
  return checks.report(directory, summary)
}

/** As `nimctl cache` noted it; else native images are the only ones that make no hub tree unless told. */
function formOf({ entries }: CacheTree, record: CacheRecord | undefined, { image }: ExpectedProfiles): CacheForm {
  if (record !== undefined) return record.form ?? 'hub'
  return image?.family === 'native' && !isHubTree(entries) ? 'native' : 'hub'
}

/** A cache of another family lacks every profile of the image, and holds nothing else than what is extra. */
async function checkAgainst(
  compared: Compared,
  { expected, ownSums }: { expected: ExpectedProfiles; ownSums: Blake3Sums },
): Promise<Check[]> {
  const { tree, form } = compared
  const otherFamily = checkFamily(compared, expected)
  if (otherFamily.length > 0) return [...otherFamily, ...(await checkTree(tree, { form, profiles: [], ownSums }))]
  const { profiles } = expected
  return [
    ...(await checkTree(tree, { form, profiles, ownSums })),
    ...checkSizes(compared, profiles),
    ...checkAsked(expected, form),
    ...checkExtra(compared, expected),
    ...(form === 'native' && ownSums.size === 0 ? await checkListed(compared) : []),
  ]
}

/** Of directories whose files nimctl noted when it filled them. */
function checkNoted({ tree, form }: Compared, ownSums: Blake3Sums): Check[] {
  if (form === 'hub' || ownSums.size === 0) return []
  return tree.entries
    .filter(({ type, path }) => type !== 'directory' && !ownSums.has(path) && !isChanging(path) && !isLeftover(path))
    .filter(({ path }) => !path.startsWith('local_cache/'))
    .map(({ path }) => extraFile(path, 'a file that lay there when nimctl cache had filled the directory'))
}
