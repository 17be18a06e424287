import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { CacheRecord } from '../cache/cache-tree.ts'
import { readCacheRecord } from '../cache/record.ts'
import type { NimImage } from '../image/inspect.ts'
import { findProfile } from '../profiles/find-profile.ts'
import { parseModelManifest } from '../profiles/manifest.ts'
import type { ManifestProfile, ModelManifest } from '../profiles/model-manifest.ts'
import { isProfileId } from '../profiles/profile-id.ts'
import { NimctlError } from '../system/errors.ts'
import { absent } from '../transfer/target-directory.ts'

interface ExpectationRequest {
  directory: string
  /** The image to compare with; absent: the manifest that `nimctl cache` left. */
  image?: NimImage
  /** Ids or unique beginnings; empty: those that the cache's own record names. */
  asked: readonly string[]
}

/** A profile that the manifest does not have. */
export interface ForeignProfile {
  id: string
  /** As the cache's record has them. */
  tags?: Record<string, string>
}

export interface ExpectedProfiles {
  /** Of the image, or as `nimctl cache` left it; absent where there is none. */
  manifest?: ModelManifest
  /** With which image the cache was to be compared. */
  image?: Pick<NimImage, 'reference' | 'family'>
  /** Those that must be whole. */
  profiles: readonly ManifestProfile[]
  /** Those that were to be whole, and of which the manifest says nothing. */
  foreign: readonly ForeignProfile[]
}

/**
 * The profiles that a cache should hold, with their files.
 *
 * @throws NimctlError `not-found` / `PROFILE_UNKNOWN` for the beginning of an id that neither manifest nor record has.
 */
export async function readExpectedProfiles(request: ExpectationRequest): Promise<ExpectedProfiles> {
  const { image, asked } = request
  const manifest = await readManifest(request)
  const record = await readCacheRecord(request.directory)
  const known = manifest?.profiles ?? []
  const noted = record?.profiles ?? []
  // Without a manifest nothing can be said of what the record names; of what a person asks for, that must be said.
  const names = asked.length > 0 ? asked : manifest === undefined ? [] : noted.map(({ id }) => id)
  const found = names.map(name => lookUp(name, { known, noted }))
  return {
    ...(manifest !== undefined && { manifest }),
    ...(image !== undefined && { image }),
    profiles: found.flatMap(({ profile }) => profile ?? []),
    foreign: found.flatMap(({ foreign }) => foreign ?? []),
  }
}

async function readManifest({ directory, image }: ExpectationRequest): Promise<ModelManifest | undefined> {
  const text =
    image === undefined
      ? await readFile(join(directory, '.nimctl', 'model_manifest.yaml'), 'utf8').catch(absent)
      : image.manifest?.text
  return text === undefined ? undefined : parseModelManifest(text)
}

function lookUp(
  name: string,
  { known, noted }: { known: readonly ManifestProfile[]; noted: CacheRecord['profiles'] },
): { profile?: ManifestProfile; foreign?: ForeignProfile } {
  try {
    return { profile: findProfile(known, name) }
  } catch (error) {
    if (!(error instanceof NimctlError && error.code === 'PROFILE_UNKNOWN')) throw error
    const asked = name.trim().toLowerCase()
    const own = asked === '' ? [] : noted.filter(({ id }) => id.startsWith(asked))
    const [only] = own
    if (only !== undefined && own.length === 1) return { foreign: { id: only.id, tags: only.tags } }
    if (isProfileId(asked)) return { foreign: { id: asked } }
    throw error
  }
}
