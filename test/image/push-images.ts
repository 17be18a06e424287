import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

import { Header } from 'tar/header'

import { seeded } from '../seeded.ts'

export interface PushedList {
  digest: string
  platforms: string[]
  /** Digests of the platforms' images, in this order. */
  images: string[]
}

interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

const types = {
  docker: {
    config: 'application/vnd.docker.container.image.v1+json',
    layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
    image: 'application/vnd.docker.distribution.manifest.v2+json',
    list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  },
  oci: {
    config: 'application/vnd.oci.image.config.v1+json',
    layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
    image: 'application/vnd.oci.image.manifest.v1+json',
    list: 'application/vnd.oci.image.index.v1+json',
  },
} as const

const platforms = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64', variant: 'v8' },
  { os: 'linux', architecture: 'ppc64le' },
]

/** Pushes a list of three platforms, each with layers of its own. Nobody runs them. */
export async function pushImages(
  origin: string,
  repository: string,
  tag: string,
  {
    format = 'docker',
    layers: layerCount = 1,
    layerSize = 1000,
  }: { format?: 'docker' | 'oci'; layers?: number; layerSize?: number } = {},
): Promise<PushedList> {
  const type = types[format]
  const manifests = await Promise.all(
    platforms.map(async platform => {
      const seed = `${repository}:${tag} for ${platform.architecture}`
      const layers = await Promise.all(
        Array.from({ length: layerCount }, async (_, name) =>
          pushLayer(origin, repository, contentOf(`${seed} ${name}`, layerSize)),
        ),
      )
      const rootfs = { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) }
      const config = Buffer.from(JSON.stringify({ ...platform, config: { Env: ['A=1'] }, rootfs }))
      const image = {
        schemaVersion: 2,
        mediaType: type.image,
        config: { mediaType: type.config, ...(await pushBlob(origin, repository, config)) },
        layers: layers.map(({ digest, size }) => ({ mediaType: type.layer, digest, size })),
      }
      return { ...(await pushManifest(origin, repository, image)), platform }
    }),
  )
  const { digest } = await pushManifest(origin, repository, { schemaVersion: 2, mediaType: type.list, manifests }, tag)
  return {
    digest,
    platforms: ['linux/amd64', 'linux/arm64/v8', 'linux/ppc64le'],
    images: manifests.map(each => each.digest),
  }
}

async function pushManifest(
  origin: string,
  repository: string,
  manifest: { mediaType: string } & Record<string, unknown>,
  tag?: string,
): Promise<Descriptor> {
  const text = JSON.stringify(manifest)
  const digest = digestOf(Buffer.from(text))
  const headers = { 'content-type': manifest.mediaType }
  const url = `${origin}/v2/${repository}/manifests/${tag ?? digest}`
  const answer = await fetch(url, { method: 'PUT', headers, body: text })
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`)
  return { mediaType: manifest.mediaType, digest, size: text.length }
}

async function pushBlob(origin: string, repository: string, bytes: Buffer) {
  const begun = await fetch(`${origin}/v2/${repository}/blobs/uploads/`, { method: 'POST' })
  const url = new URL(begun.headers.get('location') ?? '', origin)
  const digest = digestOf(bytes)
  url.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(bytes) })
  if (!answer.ok) throw new Error(`${url.href}: ${answer.status} ${await answer.text()}`)
  return { digest, size: bytes.length }
}

async function pushLayer(origin: string, repository: string, content: Buffer) {
  const tar = tarOf(content)
  return { diffId: digestOf(tar), ...(await pushBlob(origin, repository, gzipSync(tar))) }
}

/** The same for the same name. */
function contentOf(name: string, size: number): Buffer {
  return seeded(createHash('sha256').update(name).digest().readUInt32LE()).bytes(size)
}

/** An archive with one file. */
function tarOf(content: Buffer): Buffer {
  const header = Buffer.alloc(512)
  new Header({
    path: 'content',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.length,
    mtime: new Date(0),
    type: 'File',
  }).encode(header)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512), Buffer.alloc(1024)])
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** What is said of an image: a signature under cosign's tag, an SBOM as OCI's referrer, and a signature of that one. */
export async function pushSigned(origin: string, repository: string, digest: string) {
  const say = async (artifactType: string, subject?: string) => {
    const payload = await pushBlob(origin, repository, Buffer.from(`${artifactType} of ${subject ?? digest}`))
    return {
      schemaVersion: 2,
      mediaType: types.oci.image,
      artifactType,
      config: {
        mediaType: 'application/vnd.oci.empty.v1+json',
        ...(await pushBlob(origin, repository, Buffer.from('{}'))),
      },
      layers: [{ mediaType: artifactType, ...payload }],
      ...(subject !== undefined && { subject: { mediaType: types.oci.image, digest: subject, size: 2 } }),
    }
  }
  const refer = async (artifactType: string, subject: string) => {
    const referrer = { ...(await pushManifest(origin, repository, await say(artifactType, subject))), artifactType }
    const index = { schemaVersion: 2, mediaType: types.oci.list, manifests: [referrer] }
    await pushManifest(origin, repository, index, subject.replace(':', '-'))
    return referrer.digest
  }
  const tag = `${digest.replace(':', '-')}.sig`
  const { digest: signature } = await pushManifest(
    origin,
    repository,
    await say('application/vnd.dev.cosign.signature'),
    tag,
  )
  const sbom = await refer('application/spdx+json', digest)
  return { tag, signature, sbom, signatureOfSbom: await refer('application/vnd.example.signature', sbom) }
}
