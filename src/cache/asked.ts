import type { Download } from '../nim/downloads.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'

/** What a form without profiles was made of; of `flat` the profile. */
export function sourcesOf(download: Download): string[] {
  switch (download.form) {
    case 'hub':
      return []
    case 'flat':
      return [download.profileId]
    case 'native':
      return [...download.models]
    case 'endpoint':
      return [download.endpoint]
    case 'uri':
      return [download.uri]
  }
}

/** The profiles that were asked for; empty where a download has none. */
export function askedIds(download: Download, { profiles }: ModelManifest): readonly string[] {
  if (download.form === 'flat') return [download.profileId]
  if (download.form !== 'hub') return []
  return download.profileIds === 'all' ? profiles.map(({ id }) => id) : download.profileIds
}
