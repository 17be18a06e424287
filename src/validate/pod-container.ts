import type { V1Container, V1Pod } from '@kubernetes/client-node'

import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount } from '../nim/families.ts'
import { NimctlError } from '../system/errors.ts'

const usualMounts: readonly string[] = [...new Set(Object.values(cacheMount))]

/**
 * The container that is meant: by name, else the one that mounts the cache, else the first.
 *
 * @throws NimctlError `not-found` / `CONTAINER_NOT_FOUND`.
 */
export function chooseContainer({ metadata, spec }: V1Pod, name: string | undefined): V1Container {
  const containers = spec?.containers ?? []
  const named = name === undefined ? undefined : containers.find(container => container.name === name)
  const chosen = name === undefined ? (containers.find(mountsCache) ?? containers[0]) : named
  if (chosen !== undefined) return chosen
  throw new NimctlError('not-found', 'CONTAINER_NOT_FOUND', {
    what: `The pod ${metadata?.name ?? ''} has no container ${name ?? ''}.`,
    why: `It has: ${containers.map(container => container.name).join(', ')}.`,
    next: 'Name one of them with -c, or leave it out.',
  })
}

function mountsCache(container: V1Container): boolean {
  const named = literal(container, nimEnvironment.cachePath)
  return mountedAmong(container, named === undefined ? usualMounts : [named]) !== undefined
}

/** Which of the paths lies in a volume of the container. */
function mountedAmong({ volumeMounts = [] }: V1Container, paths: readonly string[]): string | undefined {
  return paths.find(path => volumeMounts.some(({ mountPath }) => `${path}/`.startsWith(`${withoutSlash(mountPath)}/`)))
}

/**
 * Where in the container the cache lies: `NIM_CACHE_PATH`, else the usual mount that is one, else that of the family.
 *
 * @param family of the inventory.
 */
export function findCachePath(container: V1Container, family: string | undefined): string {
  const named = literal(container, nimEnvironment.cachePath)
  const path = named ?? mountedAmong(container, usualMounts)
  return withoutSlash(path ?? Object.entries(cacheMount).find(([name]) => name === family)?.[1] ?? cacheMount.llm)
}

export function withoutSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path
}

/** A variable that stands in the pod itself, and is not empty. */
export function literal({ env = [] }: V1Container, name: string): string | undefined {
  return env.find(variable => variable.name === name)?.value || undefined
}

const offlineSwitches = ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'NIM_DISABLE_MODEL_DOWNLOAD']
const keys: readonly string[] = [nimEnvironment.ngcApiKey, 'NGC_CLI_API_KEY']

/** Whether whoever wrote the pod wants it to download nothing: a switch says so, or it has no key to download with. */
export function isMeantOffline(container: V1Container): boolean {
  const { env = [], envFrom = [] } = container
  if (offlineSwitches.some(name => /^(?:1|true|yes|on)$/i.test(literal(container, name) ?? ''))) return true
  const hasKey = env.some(({ name, value, valueFrom }) => keys.includes(name) && (Boolean(value) || valueFrom))
  return !hasKey && envFrom.length === 0
}
