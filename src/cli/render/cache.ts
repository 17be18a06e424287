import type { CacheResult } from '../../cache/build.ts'
import { count, formatBytes } from './format.ts'

interface CachePlan {
  dir: string
  profiles: readonly string[]
  models: readonly string[]
  /** Absent where nothing says it. */
  bytes?: number
}

export function renderCachePlan({ dir, profiles, models, bytes }: CachePlan): string {
  const things = [...profiles, ...models]
  return [
    `Would download into ${dir}:`,
    ...(things.length > 0 ? things : ['the usual model of the image']),
    bytes === undefined ? 'Nothing says how many bytes that is.' : `${formatBytes(bytes)} would come.`,
  ].join('\n')
}

export function renderCacheResult({ ok, dir, image, profiles, models, files, bytes, checks }: CacheResult): string {
  const missing = profiles.filter(({ present }) => !present)
  const held = profiles.length === 0 ? '' : `${count(profiles.length - missing.length, 'profile')} of `
  return [
    `${dir} holds ${held}${image}: ${count(files, 'file')}, ${formatBytes(bytes)}.`,
    ...models.map(
      model =>
        `  ${model.name}${model.version === '' ? '' : `:${model.version}`}  ${count(model.files, 'file')}, ${formatBytes(model.bytes)}`,
    ),
    ...checks.map(({ name, path = '', expected, found }) => `  ${name}  ${path}: expected ${expected}, found ${found}`),
    ...(missing.length > 0 ? [`Missing: ${missing.map(({ id }) => id).join(', ')}`] : []),
    ...(ok ? [nextStep(dir)] : []),
  ].join('\n')
}

/** What lies in a volume of a cluster is mounted there, not uploaded from here. */
function nextStep(dir: string): string {
  return dir.startsWith('pvc://')
    ? 'Next: mount the claim in a NIMService (storage.pvc), or upload it from a pod that mounts it.'
    : `Next: nimctl upload ${dir} URL`
}
