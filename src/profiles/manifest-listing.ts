import type { ListedProfile, ProfileListing } from './listing.ts'
import type { ManifestProfile, ModelManifest } from './model-manifest.ts'

/** What an image offers by its manifest alone. No host was asked, so every section is `unknown`; there are no descriptions. */
export function listManifest({ operatorParser, profiles }: ModelManifest): ProfileListing {
  return {
    source: 'manifest',
    ...(operatorParser !== undefined && { operatorParser }),
    gpus: [],
    profiles: profiles.map(manifestProfile),
    warnings: [],
  }
}

export function manifestProfile({ id, tags, files }: ManifestProfile): ListedProfile {
  return {
    id,
    description: '',
    section: 'unknown',
    lora: tags['feat_lora']?.toLowerCase() === 'true',
    tags,
    // Some manifests name no files, which does not mean that there are none.
    ...(files.length > 0 && { files: files.length }),
    selected: true,
  }
}
