import * as v from 'valibot'

import type { PlatformImage } from './image-manifest.ts'
import { type Descriptor, ociIndex } from './oci-layout.ts'

const schema = v.looseObject({
  mediaType: v.optional(v.string()),
  manifests: v.array(
    v.looseObject({
      mediaType: v.string(),
      digest: v.string(),
      size: v.number(),
      annotations: v.optional(v.record(v.string(), v.string())),
    }),
  ),
})

/** https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md */
const attested = 'vnd.docker.reference.digest'

/** The digests of the chosen images of a list, and of the attestations that belong to them. */
export function digestsOfSubset(raw: Uint8Array, images: readonly PlatformImage[]): string[] {
  const chosen = new Set(images.map(({ digest }) => digest))
  return parseList(raw)
    .manifests.filter(({ digest, annotations }) => chosen.has(digest) || chosen.has(annotations?.[attested] ?? ''))
    .map(({ digest }) => digest)
}

/**
 * Makes a list of some of the images of another one. All else that it says of them stays.
 *
 * @param copies by digest, what has become of an image that was converted on the way.
 */
export function makeSubset(
  raw: Uint8Array,
  digests: readonly string[],
  copies: ReadonlyMap<string, Descriptor>,
): { bytes: Buffer; mediaType: string } {
  const list = parseList(raw)
  const kept = new Set(digests)
  const manifests = list.manifests
    .filter(({ digest }) => kept.has(digest))
    .map(each => {
      const copy = copies.get(each.digest)
      return copy === undefined ? each : { ...each, mediaType: copy.mediaType, digest: copy.digest, size: copy.size }
    })
  const isConverted = [...copies].some(([digest, copy]) => digest !== copy.digest)
  const mediaType = isConverted ? ociIndex : (list.mediaType ?? ociIndex)
  return { bytes: Buffer.from(JSON.stringify({ ...list, mediaType, manifests })), mediaType }
}

function parseList(raw: Uint8Array) {
  return v.parse(schema, JSON.parse(Buffer.from(raw).toString('utf8')))
}
