import * as v from 'valibot'

import { type Descriptor, indexSchema, ociIndex, type OciFiles } from './oci-layout.ts'
import type { RegistrySession } from './registry/session.ts'

const subjectSchema = v.object({ subject: v.object({ digest: v.string() }) })

/**
 * What refers to an image: signatures, attestations, SBOMs as OCI 1.1 has them. Registries that know nothing of that keep
 * the list under the tag `sha256-<hex>`:
 * https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
 */
export async function listReferrers(
  registry: RegistrySession,
  digest: string,
  signal: AbortSignal,
): Promise<Descriptor[]> {
  const asked = { accept: ociIndex, limit: longestIndex, signal }
  const answered = await registry.find(`referrers/${digest}`, asked)
  return readIndex(answered ?? (await registry.find(`manifests/${fallbackTag(digest)}`, asked)))
}

/** Bytes; registries take no larger manifests. */
const longestIndex = 4 * 1024 * 1024

/** Enters them under the tag where the registry does not do so by itself. Those that are there stay. */
export async function noteReferrers(
  registry: RegistrySession,
  { digest, referrers, signal }: { digest: string; referrers: readonly Descriptor[]; signal: AbortSignal },
): Promise<void> {
  const asked = { accept: ociIndex, limit: longestIndex, signal }
  if ((await registry.find(`referrers/${digest}`, asked)) !== undefined) return
  const path = `manifests/${fallbackTag(digest)}`
  const before = readIndex(await registry.find(path, asked))
  const added = referrers.filter(each => !before.some(known => known.digest === each.digest))
  if (added.length === 0) return
  const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [...before, ...added] }
  await registry.put(path, Buffer.from(JSON.stringify(index)), { mediaType: ociIndex, signal })
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
