import type { Download } from '../nim/downloads.ts'
import { recogniseSymptom, skippedProfiles } from '../nim/symptoms.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import { askedIds } from './asked.ts'
import type { CacheTree } from './cache-tree.ts'
import { presenceOf } from './check-tree.ts'

export interface CachedProfile {
  id: string
  present: boolean
}

interface Found {
  checks: readonly Check[]
  /** What the container printed. */
  lines: readonly string[]
  engine: Pick<ContainerEngine, 'address'>
  warn: (code: string, message: string) => void
}

/** Which of the profiles that were asked for are there; what the container says that it skipped is not. */
export function profilesOf(
  { download, manifest }: { download: Download; manifest: ModelManifest },
  { tree, lines }: { tree: CacheTree; lines: readonly string[] },
): CachedProfile[] {
  const asked = askedIds(download, manifest)
  const known = presenceOf(
    manifest.profiles.filter(({ id }) => asked.includes(id)),
    tree,
    download.form,
  )
  const present = new Set(known.flatMap(profile => (profile.present ? [profile.id] : [])))
  const skipped = skippedProfiles(lines)
  return asked.map(id => ({ id, present: present.has(id) && !skipped.includes(id) }))
}

/**
 * The container said 0 and something is missing all the same. Where nothing came, a known cause is the answer
 * ("Error downloading models, ignoring and continuing": reference/nim.md section 7); else it is a warning.
 */
export function explainMissing(profiles: readonly CachedProfile[], { checks, lines, engine, warn }: Found): void {
  const missing = profiles.filter(({ present }) => !present)
  const nothingCame = checks.some(({ name, status }) => name === 'cache.layout' && status === 'failed')
  if (missing.length === 0 && !nothingCame) return
  const cause = recogniseSymptom(lines)
  if (cause !== undefined && missing.length === profiles.length) throw cause
  const skipped = skippedProfiles(lines)
  for (const { id } of missing) {
    const found = checks.find(({ name, path }) => name === 'cache.profile' && path === id)?.found
    const why = skipped.includes(id)
      ? 'The container does not know it and passed over it.'
      : `Files of it: ${found ?? 'none is known'}.`
    warn('PROFILE_NOT_PRESENT', `Profile ${id} is not in the cache. ${why}`)
  }
  if (cause !== undefined) warn(cause.code, [cause.message, cause.why, cause.next].filter(Boolean).join(' '))
  if (!engine.address.startsWith('unix:')) {
    warn(
      'ENGINE_ELSEWHERE',
      `The engine is at ${engine.address}: on another machine it fills the directory of that machine.`,
    )
  }
}
