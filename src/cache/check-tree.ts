import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'

import type { ManifestProfile } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import { resolveLink } from '../system/safe-path.ts'
import type { CacheEntry, CacheForm, CacheTree } from './cache-tree.ts'
import { checkModelStore, checkProfiles, type ProfilePresence } from './check-profiles.ts'
import { checkLocalModels } from './local-models.ts'
import type { Blake3Sums } from './own-sums.ts'
import { parseSnapshotPath } from './snapshots.ts'

export interface Expectation {
  form: CacheForm
  /** Those that must be whole. */
  profiles: readonly ManifestProfile[]
  /** What lay there when the directory was filled. */
  ownSums: Blake3Sums
}

/**
 * Compares a directory with what it should hold, by names, sizes and links; nothing is hashed. Every file that should be
 * there and is not, and every link that leads nowhere, has a failed check of its own.
 */
export async function checkTree(tree: CacheTree, expectation: Expectation): Promise<Check[]> {
  const { form, ownSums } = expectation
  return [
    ...checkStructure(tree, expectation),
    ...checkNotedFiles(tree, ownSums),
    ...(form === 'hub' ? [] : await checkShards(tree)),
    ...(await checkLocalModels(tree)),
  ]
}

/** What names, sizes and links tell without any file being read: also of a tree that another machine listed. */
export function checkStructure(tree: CacheTree, { form, profiles }: Omit<Expectation, 'ownSums'>): Check[] {
  const presence = presenceOf(profiles, tree, form)
  const missing = new Set(presence.flatMap(each => each.missing))
  return [
    checkLayout(tree, form),
    ...tree.entries.flatMap(checkLink),
    ...presence.map(checkPresence),
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
  const good = isHub
    ? entries.some(({ path }) => parseSnapshotPath(path) !== undefined)
    : entries.some(({ type }) => type === 'file')
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
  const outside = resolveLink(path, target) === undefined
  return [
    {
      name: outside ? 'cache.link-outside' : 'cache.link-broken',
      status: 'failed',
      method: 'structure',
      path,
      expected: outside ? 'a relative link inside the cache' : 'a link to a file',
      found: target,
      next: 'Run nimctl cache again for this directory: it fetches what is missing.',
    },
  ]
}

function checkPresence({ id, present, missing }: ProfilePresence): Check {
  return {
    name: 'cache.profile',
    status: present ? 'ok' : 'failed',
    method: 'structure',
    path: id,
    ...(!present && {
      expected: 'every file that the manifest names',
      found: missing.length === 0 ? 'nothing' : `${missing.length} missing, such as ${missing[0]}`,
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

function missingFile(path: string, expected: string): Check {
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
