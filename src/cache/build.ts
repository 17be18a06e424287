import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import type { NimImage } from '../image/inspect.ts'
import type { NimFamily } from '../nim/families.ts'
import { recogniseSymptom, skippedProfiles } from '../nim/symptoms.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import { writeFileAtomically } from '../system/files.ts'
import type { Report } from '../system/progress.ts'
import type { CacheTree } from './cache-tree.ts'
import { checkProfiles } from './check-profiles.ts'
import { containerFailure, type FinishedDownload, runDownload, type DownloadRequest } from './download-container.ts'
import { type CachedModel, describeModels } from './models.ts'
import { prepareCacheDirectory } from './prepare-directory.ts'
import { readCacheRecord, writeCacheRecord } from './record.ts'
import { scanCacheTree } from './scan.ts'

export interface BuildCacheRequest extends Omit<DownloadRequest, 'image' | 'directory' | 'profileIds'> {
  image: NimImage
  /** The image's, read beforehand. */
  manifest: ModelManifest
  directory: string
  profileIds: readonly string[] | 'all'
  /** Where it is known: what will be downloaded. */
  expectedBytes?: number
}

export interface CacheResult {
  /** Every profile that was asked for is there. */
  ok: boolean
  dir: string
  image: string
  imageDigest: string
  family: NimFamily
  profiles: { id: string; present: boolean }[]
  models: CachedModel[]
  /** Regular files; links don't count. */
  files: number
  bytes: number
  warnings: string[]
}

interface BuildContext {
  engine: ContainerEngine
  signal: AbortSignal
  report: Report
}

/**
 * Fills a directory with the image's own `download-to-cache`, then looks at the disk: exit 0 of the container proves
 * nothing. A second run goes on where the first stopped, whether it failed, was aborted or asked for other profiles.
 * What is there afterwards is noted in `DIR/.nimctl/`.
 *
 * @throws NimctlError `usage` / `FAMILY_NOT_SUPPORTED`; `local` / `DIRECTORY_NOT_WRITABLE`, `DISK_FULL`,
 * `OUT_OF_MEMORY`; the cause that the log tells (nim/symptoms.ts); else `check-failed` / `CONTAINER_FAILED`; and what the
 * engine throws.
 */
export async function buildCache(request: BuildCacheRequest, context: BuildContext): Promise<CacheResult> {
  const { image, manifest } = request
  if (image.family === 'native') throw familyNotSupported(image)
  const directory = resolve(request.directory)
  const asked = request.profileIds === 'all' ? manifest.profiles.map(({ id }) => id) : [...request.profileIds]
  const warnings: string[] = []
  const warn = (code: string, message: string) => {
    warnings.push(message)
    context.report({ event: 'warning', code, message })
  }

  await prepareCacheDirectory({ ...request, directory }, warn)
  const finished = await runDownload({ ...request, directory }, context)
  if (finished.exitCode !== 0) throw containerFailure(image, finished)

  const tree = await scanCacheTree(directory)
  const profiles = presenceOf(asked, manifest, tree, skippedProfiles(finished.lines))
  explainMissing(profiles, finished, context.engine, warn)
  if (manifest.schemaVersion === 1) {
    warn(
      'PRESENCE_BY_FILE_NAMES',
      'The manifest of this image names no versions: present means that one snapshot has all files by name.',
    )
  }
  await recordCache(directory, { ...request, tree, asked }, warn)
  const files = tree.entries.filter(entry => entry.type === 'file')
  return {
    ok: profiles.every(({ present }) => present),
    dir: directory,
    image: image.reference,
    imageDigest: image.digest,
    family: image.family,
    profiles,
    models: describeModels(tree),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    warnings,
  }
}

function presenceOf(
  asked: readonly string[],
  manifest: ModelManifest,
  tree: CacheTree,
  skipped: readonly string[],
): CacheResult['profiles'] {
  const known = checkProfiles(
    manifest.profiles.filter(({ id }) => asked.includes(id)),
    tree,
  )
  const present = new Set(known.filter(profile => profile.present).map(({ id }) => id))
  return asked.map(id => ({ id, present: present.has(id) && !skipped.includes(id) }))
}

/**
 * The container said 0 and profiles are missing all the same. Where nothing came, a known cause is the answer
 * ("Error downloading models, ignoring and continuing": reference/nim.md section 7); else it is a warning.
 */
function explainMissing(
  profiles: CacheResult['profiles'],
  { lines }: FinishedDownload,
  engine: ContainerEngine,
  warn: (code: string, message: string) => void,
): void {
  const missing = profiles.filter(({ present }) => !present)
  if (missing.length === 0) return
  const cause = recogniseSymptom(lines)
  if (cause !== undefined && missing.length === profiles.length) throw cause
  const skipped = skippedProfiles(lines)
  for (const { id } of missing) {
    const why = skipped.includes(id) ? 'The container does not know it and passed over it.' : 'Files of it are missing.'
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

/** Profiles of earlier runs of the same image stay in the record as long as their files are there. */
async function recordCache(
  directory: string,
  { image, manifest, tree, asked }: BuildCacheRequest & { tree: CacheTree; asked: readonly string[] },
  warn: (code: string, message: string) => void,
): Promise<void> {
  const former = await readCacheRecord(directory)
  const ofThisImage = former?.imageDigest === image.digest
  if (former !== undefined && !ofThisImage) {
    warn(
      'CACHE_OF_ANOTHER_IMAGE',
      `${directory} was filled from ${former.image} before (${former.imageDigest}); it is recorded as ${image.reference} now.`,
    )
  }
  const candidates = new Set([...asked, ...(ofThisImage ? former.profiles.map(({ id }) => id) : [])])
  const wanted = manifest.profiles.filter(({ id }) => candidates.has(id))
  const present = new Set(checkProfiles(wanted, tree).flatMap(each => (each.present ? [each.id] : [])))
  await mkdir(join(directory, '.nimctl'), { recursive: true })
  if (image.manifest !== undefined) {
    await writeFileAtomically(join(directory, '.nimctl/model_manifest.yaml'), image.manifest.text)
  }
  await writeCacheRecord(directory, {
    formatVersion: 1,
    kind: 'CacheRecord',
    image: image.reference,
    imageDigest: image.digest,
    family: image.family,
    manifestVersion: manifest.schemaVersion,
    profiles: wanted
      .filter(({ id }) => present.has(id))
      .map(({ id, model, release, tags }) => ({
        id,
        ...(model !== undefined && { model }),
        ...(release !== undefined && { release }),
        tags,
      })),
  })
}

function familyNotSupported(image: NimImage): NimctlError {
  return new NimctlError('usage', 'FAMILY_NOT_SUPPORTED', {
    what: `nimctl cannot fill a cache from ${image.reference} yet.`,
    why: 'It is a native-v1 image (NeMo Retriever 2.x), which downloads without profiles.',
    next: 'Run it yourself with NIM_ENGINE_MODEL_DOWNLOAD_ONLY=1 and DIR mounted at /model; upload DIR with --layout plain.',
  })
}
