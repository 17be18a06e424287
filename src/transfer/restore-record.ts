import { readCacheRecord, writeCacheRecord } from '../cache/record.ts'
import type { InventoryHeader } from '../inventory/inventory.ts'

/**
 * A cache that came back says again which image it is of, so that it can be checked against it and uploaded elsewhere.
 * Profiles that lay there already, of the same image, stay named. What belongs to no image gets no record.
 */
export async function restoreCacheRecord(directory: string, header: InventoryHeader): Promise<void> {
  const { image, imageDigest, family, manifestVersion, form, sources, profiles } = header
  if (image === undefined || imageDigest === undefined || family === undefined) return
  const former = await readCacheRecord(directory)
  const others = former?.imageDigest === imageDigest ? former.profiles : []
  await writeCacheRecord(directory, {
    formatVersion: 1,
    kind: 'CacheRecord',
    image,
    imageDigest,
    family,
    ...(manifestVersion !== undefined && { manifestVersion }),
    ...(form !== undefined && { form }),
    ...(sources !== undefined && { sources }),
    profiles: [...profiles, ...others.filter(({ id }) => !profiles.some(profile => profile.id === id))],
  })
}
