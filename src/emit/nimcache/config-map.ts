import type { InventoryProfile } from '../../inventory/inventory.ts'
import { manifestKey, namesOfNimCache } from '../../operator/names.ts'
import type { ConfigMap } from '../../operator/objects.ts'
import { metadata, type Target, type UploadedCache } from '../request.ts'
import { emitted, type EmitResult } from '../result.ts'
import { renderMinimalManifest } from './minimal-manifest.ts'

/** The ConfigMap that saves the operator its look into the image: the loader's has no manifest, and no shell. */
export function emitManifestConfigMap(
  { name, namespace, uploaded }: Target & { uploaded: UploadedCache },
  profiles: readonly InventoryProfile[],
): EmitResult {
  const object: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata({ name: namesOfNimCache(name).manifestConfigMap, namespace }),
    data: { [manifestKey]: renderMinimalManifest(uploaded.header.manifestVersion, profiles) },
  }
  const text =
    'Must be there before the NIMCache: the operator reads the profiles from it instead of asking the loader image. ' +
    'It is never refreshed; keep name and key.'
  return emitted({ objects: [object], comments: [{ kind: 'ConfigMap', path: ['data'], text }] })
}
