import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'

import type { ManifestProfile } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import { resolveLink } from '../system/safe-path.ts'
import type { CacheEntry, CacheForm, CacheTree } from './cache-tree.ts'
import { checkModelStore, checkProfiles, type ProfilePresence } from './check-profiles.ts'
import { checkLocalModels } from './local-models.ts'
import type { Blake3Sums } from './own-sums.ts'
import { isHubTree } from './snapshots.ts'

export interface Expectation {
  form: CacheForm
  /** Those that must be whole. */
  profiles: readonly ManifestProfile[]
  /** What lay there when the directory was filled. */
  ownSums: Blake3Sums
}

/**
 * Compares a directory with what it should hold, by names, sizes and links; nothing is hashed. Every file that should be
 * there and is not, and every link that leads nowhere, has a failed check of its own; a profile of which nothing is there
 * has one for all its files.
 */
export async function checkTree(tree: CacheTree, expectation: Expectation): Promise<Check[]> {
  const { form, ownSums } = expectation
  return onceMissing([
    ...checkStructure(tree, expectation),
    ...checkNotedFiles(tree, ownSums),
    ...(form === 'hub' ? [] : await checkShards(tree)),
    ...(await checkLocalModels(tree)),
  ])
}

/** Links, the manifest, nimctl's own list and an index may all name the same file that is not there. */
function onceMissing(checks: readonly Check[]): Check[] {
  const missing = new Set<string>()
  return checks.filter(({ name, path = '' }) => {
    if (name !== 'cache.blob-missing' && name !== 'cache.file-missing') return true
    const first = !missing.has(path)
    missing.add(path)
    return first
  })
}

/** What names, sizes and links tell without any file being read: also of a tree that another machine listed. */
export function checkStructure(tree: CacheTree, { form, profiles }: Omit<Expectation, 'ownSums'>): Check[] {
  const presence = presenceOf(profiles, tree, form)
  const named = new Map(profiles.map(({ id, files }) => [id, files.length]))
  const begun = presence.filter(({ id, missing }) => missing.length < (named.get(id) ?? 0))
  const missing = new Set(begun.flatMap(each => each.missing))
  return [
    checkLayout(tree, form),
    ...tree.entries.flatMap(checkLink),
    ...checkBlobsOfLinks(tree),
    ...presence.map(each => checkPresence(each, !begun.includes(each))),
    ...[...missing].map(path => missingFile(path, 'The manifest names it.')),
  ]
}

/** Which profiles are there, in whatever form. */
export function presenceOf(profiles: readonly ManifestProfile[], tree: CacheTree, form: CacheForm): ProfilePresence[] {
  return form === 'flat' ? checkModelStore(profiles, tree) : checkProfiles(profiles, tree)
}

function checkLayout(tree: CacheTree, form: CacheForm): Check {
  const { entries, root } = tree
  const isHub = form === 'hub'
  const good = isHub ? isHubTree(entries) : entries.some(({ type }) => type === 'file')
  return {
    name: 'cache.layout',
    status: good ? 'ok' : 'failed',
    method: 'structure',
    expected: isHub ? 'ngc/hub/models--…/snapshots' : 'files of a model',
    found: good ? (isHub ? 'a hub tree' : 'files') : isHub ? 'no snapshots' : 'no file',
    ...(!good && { next: `Fill it with: nimctl cache IMAGE ${root}` }),
  }
}

function checkLink(entry: CacheEntry): Check[] {
  if (entry.type !== 'link') return []
  const { path, target, resolved } = entry
  if (resolved !== undefined) return [{ name: 'cache.link', status: 'ok', method: 'structure', path }]
  if (target.startsWith('/')) {
    return [
      badLink('cache.link-absolute', entry, {
        expected: 'a relative link, which leads to the same file wherever the cache is mounted',
        next: 'Remove it, then run nimctl cache again: it is made anew.',
      }),
    ]
  }
  const wanted = resolveLink(path, target)
  if (wanted === undefined) {
    return [
      badLink('cache.link-outside', entry, {
        expected: 'a link inside the cache',
        next: 'Remove it, then run nimctl cache again: what lies outside is not carried along.',
      }),
    ]
  }
  if (blobPath.test(wanted)) return []
  return [
    badLink('cache.link-broken', entry, {
      expected: 'a link to a file',
      next: 'Run nimctl cache again for this directory: it fetches what is missing.',
    }),
  ]
}

function badLink(
  name: string,
  { path, target }: CacheEntry & { type: 'link' },
  words: { expected: string; next: string },
): Check {
  return { name, status: 'failed', method: 'structure', path, found: target, ...words }
}

/** Named by MD5 (NGC, also of several parts), by Git's SHA-1 or by SHA-256 (Hugging Face). */
const blobPath = /(?:^|\/)models--[^/]+\/blobs\/(?:[0-9a-f]{32}(?:-\d+)?|[0-9a-f]{40}|[0-9a-f]{64})$/

/** One for each blob, however many links lead to it. */
function checkBlobsOfLinks({ entries }: CacheTree): Check[] {
  const links = new Map<string, string[]>()
  for (const entry of entries) {
    if (entry.type !== 'link' || entry.resolved !== undefined) continue
    const wanted = resolveLink(entry.path, entry.target)
    if (wanted === undefined || !blobPath.test(wanted)) continue
    links.set(wanted, [...(links.get(wanted) ?? []), entry.path])
  }
  return [...links].map(([path, [first, ...others]]) => ({
    name: 'cache.blob-missing',
    status: 'failed',
    method: 'structure',
    path,
    expected: `the file of ${first}${others.length === 0 ? '' : ` and of ${others.length} more`}`,
    found: 'nothing',
    next: 'Run nimctl cache again for this directory: it fetches what is missing.',
  }))
}

function checkPresence({ id, present, missing }: ProfilePresence, absent: boolean): Check {
  return {
    name: 'cache.profile',
    status: present ? 'ok' : 'failed',
    method: 'structure',
    path: id,
    ...(!present && {
      expected: 'every file that the manifest names',
      found: absent ? 'none is there' : `${missing.length} missing, such as ${missing[0]}`,
      next: `nimctl cache IMAGE DIR --profile ${id}`,
    }),
  }
}

function checkNotedFiles({ entries }: CacheTree, ownSums: Blake3Sums): Check[] {
  const there = new Set(entries.map(({ path }) => path))
  return [...ownSums.keys()]
    .filter(path => !there.has(path))
    .map(path => missingFile(path, 'It lay there when nimctl cache had filled the directory.'))
}

/** Model repositories say in an index which files their weights are cut into. Of TensorRT-LLM profiles it may dangle. */
async function checkShards({ root, entries }: CacheTree): Promise<Check[]> {
  const there = new Set(entries.map(({ path }) => path))
  const engines = entries.some(({ path }) => path.endsWith('.engine'))
  const indexes = engines ? [] : entries.filter(({ path }) => path.endsWith('.safetensors.index.json'))
  const checks: Check[] = []
  for (const { path } of indexes) {
    for (const shard of shardsOf(await readFile(join(root, path), 'utf8').catch(() => ''))) {
      const wanted = posix.join(posix.dirname(path), shard)
      if (!there.has(wanted)) checks.push(missingFile(wanted, `${path} names it.`))
    }
  }
  return checks
}

function shardsOf(text: string): string[] {
  try {
    const index: unknown = JSON.parse(text)
    if (typeof index !== 'object' || index === null || !('weight_map' in index)) return []
    const { weight_map: map } = index
    const files = typeof map === 'object' && map !== null ? Object.values(map) : []
    return [...new Set(files.filter(file => typeof file === 'string'))]
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

/** @param expected who names it. */
export function missingFile(path: string, expected: string): Check {
  return {
    name: 'cache.file-missing',
    status: 'failed',
    method: 'structure',
    path,
    expected,
    found: 'nothing',
    next: 'Run nimctl cache again for this directory: it fetches what is missing.',
  }
}
