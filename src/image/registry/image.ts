import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { type ImageSource, ociImage } from '../image-source.ts'
import { formatImageReference, type RegistryReference } from '../reference.ts'
import { openRegistrySession, type RegistryOptions, type RegistrySession } from './session.ts'

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** The specification has registries take manifests of 4 MiB at least; nobody makes larger ones. */
const longestManifest = 4 * 1024 * 1024

/**
 * An image in its registry. Nothing but what is asked for is transferred.
 *
 * @throws NimctlError as `RegistrySession.open` says.
 */
export async function openRegistryImage(
  reference: RegistryReference,
  options: RegistryOptions & { signal: AbortSignal },
): Promise<ImageSource> {
  const { registry, repository, tag, digest } = reference
  const { signal } = options
  const name = formatImageReference({ ...reference, transport: 'docker' })
  const session = await openRegistrySession({ image: name, registry, repository }, options)
  const readManifest = (which: string) =>
    session.read(`manifests/${which}`, { accept: manifestTypes, limit: longestManifest, signal })
  return ociImage({
    reference: name,
    ...(digest !== undefined && { digest }),
    top: await readManifest(digest ?? tag ?? 'latest'),
    readManifest,
    openBlob: (blob, blobSignal) => readBlob(session, { ...blob, image: name, signal: blobSignal }),
  })
}

interface BlobRequest {
  image: string
  digest: string
  /** Bytes. */
  size: number
  signal: AbortSignal
}

/**
 * A blob piece by piece. Where the connection breaks, the next one goes on at the byte that is due.
 */
async function* readBlob(session: RegistrySession, request: BlobRequest): AsyncGenerator<Buffer> {
  const { digest, size, signal, image } = request
  let offset = 0
  let body: AsyncIterator<Buffer> | undefined
  let incoming: IncomingMessage | undefined
  const next = async (): Promise<Buffer | undefined> => {
    try {
      if (body === undefined) {
        incoming = await session.open(`blobs/${digest}`, { from: offset, signal })
        checkLength(request, incoming)
        body = bytesFrom(incoming, offset)
      }
      const { done, value } = await body.next()
      if (done !== true) return value
      if (offset < size) throw cutShort(request, offset)
      return undefined
    } catch (error) {
      body = undefined
      incoming?.destroy()
      throw await session.translate(error, signal)
    }
  }
  try {
    for (;;) {
      const chunk = await session.attempt(`read a layer of ${image}`, signal, next)
      if (chunk === undefined) return
      offset += chunk.length
      if (offset > size) throw tooLong(request)
      yield chunk
    }
  } finally {
    incoming?.destroy()
  }
}

/** A server that takes no ranges begins anew; what is known already is passed over. */
async function* bytesFrom(incoming: IncomingMessage, offset: number): AsyncGenerator<Buffer> {
  let known = incoming.statusCode === 206 ? 0 : offset
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    const fresh = chunk.subarray(Math.min(known, chunk.length))
    known -= chunk.length - fresh.length
    if (fresh.length > 0) yield fresh
  }
}

/** Of a blob that lost bytes in its registry's storage the answer says it before they come. */
function checkLength({ image, digest, size }: BlobRequest, { statusCode, headers }: IncomingMessage): void {
  const length = headers['content-length']
  if (statusCode !== 200 || length === undefined || Number(length) === size) return
  throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A layer of ${image} is not the one that its manifest names.`,
    why: `${digest} has ${size} bytes by its manifest; the registry has ${length}.`,
    next: 'The image has to be pushed anew.',
  })
}

function cutShort({ image, digest, size }: BlobRequest, offset: number): NimctlError {
  return new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A layer of ${image} ends too early.`,
    why: `${digest} has ${size} bytes by its manifest; ${offset} came.`,
    next: 'Run the same command again; if that does not help, the image has to be pushed anew.',
    mend: 'same',
  })
}

function tooLong({ image, digest, size }: BlobRequest): NimctlError {
  return new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A layer of ${image} is not the one that its manifest names.`,
    why: `${digest} has ${size} bytes by its manifest; more came.`,
  })
}
