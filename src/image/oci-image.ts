import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { archiveFiles, directoryFiles, type ImageFiles, readShort } from './image-files.ts'
import { type ImageSource, isDigest, notAnImage, ociImage } from './image-source.ts'
import { type FileReference, formatImageReference } from './reference.ts'

/** https://github.com/opencontainers/image-spec/blob/main/image-layout.md */
const indexSchema = v.object({
  manifests: v.array(
    v.object({
      digest: v.string(),
      annotations: v.optional(v.nullable(v.record(v.string(), v.string()))),
    }),
  ),
})
const nameAnnotation = 'org.opencontainers.image.ref.name'
const longestManifest = 4 * 1024 * 1024

/**
 * An image in an OCI layout, a directory or an archive of one.
 *
 * @throws NimctlError `not-found` / `PATH_NOT_FOUND`, `IMAGE_NOT_FOUND`; `usage` / `NOT_AN_IMAGE`, `IMAGE_AMBIGUOUS`;
 * `check-failed` / `IMAGE_DAMAGED`.
 */
export async function openOciLayout(
  reference: FileReference,
  { signal }: { signal: AbortSignal },
): Promise<ImageSource> {
  const image = formatImageReference(reference)
  const files =
    reference.transport === 'oci' ? directoryFiles(reference.path) : await archiveFiles(reference.path, signal)
  const read = async (path: string) => await readShort(files, path, { limit: longestManifest, image, signal })
  const digest = chooseManifest(await read('index.json'), reference)
  const readManifest = async (which: string) => (await read(blobPath(which))) ?? missingBlob(image, which)
  return ociImage({
    reference: image,
    digest,
    top: await readManifest(digest),
    readManifest,
    openBlob: (blob, blobSignal) => openBlob(files, { image, digest: blob.digest }, blobSignal),
  })
}

function chooseManifest(index: Buffer | undefined, reference: FileReference): string {
  const image = formatImageReference(reference)
  if (index === undefined) {
    throw new NimctlError('not-found', 'IMAGE_NOT_FOUND', {
      what: `${reference.path} is no OCI layout.`,
      why: 'It has no index.json.',
      next: 'Make one with: nimctl mirror IMAGE --to oci:DIR',
    })
  }
  const parsed = v.safeParse(indexSchema, parseJson(index))
  if (!parsed.success) throw notAnImage(image)
  const named = parsed.output.manifests.map(({ digest, annotations }) => ({
    digest,
    name: annotations?.[nameAnnotation],
  }))
  const chosen = reference.name === undefined ? named : named.filter(({ name }) => name === reference.name)
  const [only, ...more] = chosen
  if (only === undefined || more.length > 0) {
    throw notOne(
      reference,
      named.flatMap(({ name }) => name ?? []),
    )
  }
  if (!isDigest(only.digest)) throw notAnImage(image)
  return only.digest
}

/** Neither none nor several of an archive's images can be meant. */
export function notOne(reference: FileReference, names: readonly string[]): NimctlError {
  const { transport, path, name } = reference
  const why = names.length === 0 ? 'It holds no image that has a name.' : `It holds ${names.join(', ')}.`
  if (name === undefined && names.length > 0) {
    return new NimctlError('usage', 'IMAGE_AMBIGUOUS', {
      what: `${path} holds several images.`,
      why,
      next: `Name one: ${transport}:${path}:${names[0] ?? 'NAME'}`,
    })
  }
  return new NimctlError('not-found', 'IMAGE_NOT_FOUND', {
    what: `There is no image ${formatImageReference(reference)}.`,
    why,
  })
}

async function* openBlob(
  files: ImageFiles,
  { image, digest }: { image: string; digest: string },
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const path = blobPath(digest)
  if ((await files.size(path)) === undefined) missingBlob(image, digest)
  yield* files.open(path, signal)
}

function blobPath(digest: string): string {
  return `blobs/${digest.replace(':', '/')}`
}

function missingBlob(image: string, digest: string): never {
  throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A part of ${image} is missing.`,
    why: `There is no ${blobPath(digest)}.`,
    next: 'Copy the image anew: nimctl mirror',
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
