import type { ManifestFile } from './model-manifest.ts'

/**
 * What makes two files of NGC the same: repository, version and name. `undefined` where a manifest does not say all of
 * them, as those of version 1 may not.
 */
export function fileAddress({ repository, version, file }: Omit<ManifestFile, 'path'>): string | undefined {
  if (repository === undefined || version === undefined) return undefined
  return `${repository}:${version}/${fileName(file)}`
}

/** A file's name at NGC and on disk. Addresses in manifests may be percent-encoded. */
export function fileName(file: string): string {
  try {
    return decodeURIComponent(file)
  } catch (error) {
    if (error instanceof URIError) return file
    throw error
  }
}
