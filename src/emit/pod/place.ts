import type { V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node'

import type { InventoryHeader } from '../../inventory/inventory.ts'
import { cacheMount, type NimFamily } from '../../nim/families.ts'
import { NimctlError } from '../../system/errors.ts'

interface PlaceRequest {
  family?: string | undefined
  /** Absent: nothing but an image was named. */
  header?: InventoryHeader | undefined
  /** Of a native image's cache that holds several. */
  model?: string | undefined
}

/** Where a NIM has its files in a pod. */
export interface Place {
  /** Where the cache is mounted. */
  path: string
  /** What the NIM writes beside it. */
  volumes: V1Volume[]
  mounts: V1VolumeMount[]
  /** What tells the NIM. */
  env: V1EnvVar[]
}

/**
 * Where each family looks, and what it wants to be told (reference/nim.md, sections 0, 1.4 and 4.3).
 *
 * @throws NimctlError `usage` / `MODEL_REQUIRED`.
 */
export function placeOf({ family, header, model }: PlaceRequest): Place {
  const path = cacheMount[isFamily(family) ? family : 'llm']
  if (family !== 'native') return { path, volumes: [], mounts: [], env: cacheEnvironment(header, path) }
  const kernels = 'kernel-cache'
  return {
    path,
    volumes: [{ name: kernels, emptyDir: {} }],
    mounts: [{ name: kernels, mountPath: '/opt/cache' }],
    env: nativeModel(header?.sources ?? [], { wanted: model, path }),
  }
}

function isFamily(family: string | undefined): family is NimFamily {
  return family !== undefined && Object.hasOwn(cacheMount, family)
}

/** What tells a NIM where its cache is. Plain files are a model directory (reference/operator.md, section 4). */
export function cacheEnvironment(header: InventoryHeader | undefined, path: string): V1EnvVar[] {
  const { form, sources = [] } = header ?? {}
  const cachePath = { name: 'NIM_CACHE_PATH', value: path }
  if (form === 'flat' || form === 'endpoint') return [cachePath, { name: 'NIM_MODEL_NAME', value: path }]
  if (form !== 'uri') return [cachePath]
  return [
    cachePath,
    { name: 'HF_HOME', value: `${path}/huggingface/hub` },
    ...sources.slice(0, 1).map(value => ({ name: 'NIM_MODEL_PATH', value })),
  ]
}

/** Of several models an image serves the one that it is told; its usual one is where it looks without a word. */
function nativeModel(
  models: readonly string[],
  { wanted, path }: { wanted: string | undefined; path: string },
): V1EnvVar[] {
  const [only, second] = models
  const model = wanted ?? (second === undefined ? only : undefined)
  if (model === undefined && only === undefined) return []
  if (model !== undefined && models.includes(model)) {
    return [
      { name: 'NIM_ENGINE_MODEL_NAME', value: model },
      { name: 'NIM_ENGINE_MODEL_PATH', value: `${path}/${model.slice(model.lastIndexOf('/') + 1)}` },
    ]
  }
  throw new NimctlError('usage', 'MODEL_REQUIRED', {
    what:
      wanted === undefined
        ? `The cache holds ${models.length} models, and a pod serves one.`
        : `The cache does not hold the model ${wanted}.`,
    why: only === undefined ? 'It holds the usual one of its image.' : `There are: ${models.join(', ')}.`,
    next: only === undefined ? 'Leave out --model' : `Choose with: --model ${only}`,
  })
}
