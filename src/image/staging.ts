import { rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

import { ensureWritableDirectory, translateFileError } from '../system/files.ts'
import type { ImagePlace } from './mirror.ts'
import { packLayout } from './oci-layout.ts'

/**
 * An archive comes into being beside its name, and takes the name when `use` has proved it. For `oci-archive` that is a
 * directory in OCI's layout, `FILE.nimctl`: what a killed run has finished of it, the next one finds there. Other
 * destinations are used as they are.
 */
export async function withStaging<Result>(
  destination: ImagePlace,
  use: (staged: ImagePlace) => Promise<Result>,
): Promise<Result> {
  const { image } = destination
  if (image.transport !== 'oci-archive' && image.transport !== 'docker-archive') return use(destination)
  await ensureWritableDirectory(dirname(image.path))
  const path = `${image.path}.nimctl`
  if (image.transport === 'oci-archive') {
    const result = await use({ ...destination, image: { ...image, transport: 'oci', path } })
    await packLayout(path, image.path)
    return result
  }
  // skopeo changes no archive that is there.
  await rm(path, { force: true })
  try {
    const result = await use({ ...destination, image: { ...image, path } })
    await rename(path, image.path)
    return result
  } catch (error) {
    throw translateFileError(error, image.path)
  } finally {
    await rm(path, { force: true })
  }
}
