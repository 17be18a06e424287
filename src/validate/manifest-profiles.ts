import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { readCacheRecord } from '../cache/record.ts'
import { inspectImage } from '../image/inspect.ts'
import { findProfile } from '../profiles/find-profile.ts'
import { parseModelManifest } from '../profiles/manifest.ts'
import type { ManifestProfile, ModelManifest } from '../profiles/model-manifest.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import type { Report } from '../system/progress.ts'
import { absent } from '../transfer/target-directory.ts'

interface ManifestRequest {
  directory: string
  /** The image to compare with, and the engine that has it; absent: the manifest that `nimctl cache` left. */
  against?: { image: string; engine: ContainerEngine }
  /** Ids or unique beginnings; empty: those that the cache's own record names. */
  asked: readonly string[]
  signal: AbortSignal
  report: Report
}

/**
 * The profiles that a cache should hold, with their files; `undefined` where no manifest says which files those are.
 *
 * @throws NimctlError `not-found` / `PROFILE_UNKNOWN` for an id that the manifest does not have.
 */
export async function readExpectedProfiles(request: ManifestRequest): Promise<readonly ManifestProfile[] | undefined> {
  const manifest = await readManifest(request)
  if (manifest === undefined) return undefined
  const record = await readCacheRecord(request.directory)
  const asked = request.asked.length > 0 ? request.asked : (record?.profiles.map(({ id }) => id) ?? [])
  return asked.map(name => findProfile(manifest.profiles, name))
}

async function readManifest({
  directory,
  against,
  signal,
  report,
}: ManifestRequest): Promise<ModelManifest | undefined> {
  if (against !== undefined) {
    const { manifest } = await inspectImage(against.engine, against.image, { signal, report })
    return manifest === undefined ? undefined : parseModelManifest(manifest.text)
  }
  const text = await readFile(join(directory, '.nimctl', 'model_manifest.yaml'), 'utf8').catch(absent)
  return text === undefined ? undefined : parseModelManifest(text)
}
