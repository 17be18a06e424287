import * as v from 'valibot'

import { type Descriptor, indexSchema, ociIndex, type OciFiles } from './oci-layout.ts'
import type { RegistryApi } from './registry-api.ts'

const subjectSchema = v.object({ subject: v.object({ digest: v.string() }) })

/**
 * What refers to an image: signatures, attestations, SBOMs as OCI 1.1 has them. Registries that know nothing of that keep
 * the list under the tag `sha256-<hex>`:
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export async function listReferrers(api: RegistryApi, digest: string): Promise<Descriptor[]> {
  const answered = await api.get(`referrers/${digest}`, ociIndex)
  return readIndex(answered ?? (await api.get(`manifests/${fallbackTag(digest)}`, ociIndex)))
}

/** Enters them under the tag where the registry does not do so by itself. Those that are there stay. */
export async function noteReferrers(api: RegistryApi, digest: string, referrers: readonly Descriptor[]): Promise<void> {
  if ((await api.get(`referrers/${digest}`, ociIndex)) !== undefined) return
  const path = `manifests/${fallbackTag(digest)}`
  const before = readIndex(await api.get(path, ociIndex))
  const added = referrers.filter(each => !before.some(known => known.digest === each.digest))
  if (added.length === 0) return
  const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [...before, ...added] }
  await api.put(path, Buffer.from(JSON.stringify(index)), ociIndex)
}

/** In a layout, referrers are among the images: their manifests name what they refer to. */
export async function listReferrersInFiles(files: OciFiles, digest: string): Promise<Descriptor[]> {
  const subjects = await Promise.all(files.images.map(async image => subjectOf(await files.read(image.digest))))
  return files.images.filter((_, index) => subjects[index] === digest)
}

function fallbackTag(digest: string): string {
  return digest.replace(':', '-')
}

function readIndex(bytes: Buffer | undefined): Descriptor[] {
  const parsed = v.safeParse(indexSchema, parseJson(bytes))
  return parsed.success ? parsed.output.manifests : []
}

function subjectOf(manifest: Buffer | undefined): string | undefined {
  const parsed = v.safeParse(subjectSchema, parseJson(manifest))
  return parsed.success ? parsed.output.subject.digest : undefined
}

function parseJson(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse(bytes?.toString('utf8') ?? '')
  } catch {
    return undefined
  }
}
