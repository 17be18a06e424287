import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { parseModelManifest } from '../profiles/manifest.ts'
import type { Check } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import type { CacheTree } from './cache-tree.ts'

const localManifest = 'local_cache/local_manifest.yaml'

/**
 * Engines that a NIMBuild made lie in `local_cache/<model>/`, and `local_cache/local_manifest.yaml` names them by the tag
 * `model_name` (reference/nim.md 2.2 C2, reference/operator.md 5). They belong to the cache: no image can bring them back.
 */
export async function checkLocalModels({ root, entries }: CacheTree): Promise<Check[]> {
  const paths = entries.map(({ path }) => path)
  if (!paths.includes(localManifest)) return []
  const names = await readNames(join(root, localManifest))
  if (names === undefined) return [unreadable]
  return names.map(name => {
    const path = `local_cache/${name}`
    const there = paths.some(each => each.startsWith(`${path}/`))
    const next = 'Build it again (NIMBuild), or take it from where the cache came from; no download brings it.'
    return {
      name: 'cache.local-model',
      status: there ? 'ok' : 'failed',
      method: 'structure',
      path,
      ...(!there && { expected: `the engine that ${localManifest} names`, found: 'nothing', next }),
    }
  })
}

async function readNames(path: string): Promise<string[] | undefined> {
  try {
    const { profiles } = parseModelManifest(await readFile(path, 'utf8'))
    return [...new Set(profiles.flatMap(({ tags }) => tags['model_name'] ?? []))]
  } catch (error) {
    if (error instanceof NimctlError) return undefined
    throw error
  }
}

const unreadable: Check = {
  name: 'cache.local-model',
  status: 'warning',
  method: 'structure',
  path: localManifest,
  expected: 'a manifest of the engines that were built here',
  found: 'something else',
}
