import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'

import { tar, type TarEntry } from '../../fixtures/stand-in/tar.ts'

/** Of one profile, as images of LLM NIMs have it. */
export const manifestText = `${'a'.repeat(64)}:
  model: meta/llama
  release: 1.8.4
  tags:
    llm_engine: vllm
    precision: bf16
    tp: '1'
  workspace: !workspace
    components: []
`
export const usualPlace = '/opt/nim/etc/default/model_manifest.yaml'

export const file = (path: string, content: string | Buffer): TarEntry => ({
  type: 'file',
  path: path.replace(/^\//, ''),
  content: Buffer.from(content),
})
export const link = (path: string, target: string): TarEntry => ({
  type: 'link',
  path: path.replace(/^\//, ''),
  target,
})
export const manifestFile = (path = usualPlace) => file(path, manifestText)

export interface LayerPlan {
  entries: TarEntry[]
  compression?: 'gzip' | 'zstd' | 'none'
  createdBy?: string
}

export interface ImagePlan {
  layers: LayerPlan[]
  labels?: Record<string, string>
  user?: string
  platform?: { os: string; architecture: string; variant?: string }
}

export interface BuiltImage {
  /** The manifest's. */
  digest: string
  manifest: Buffer
  config: Buffer
  layers: { digest: string; stored: Buffer; unpacked: Buffer }[]
}

const pack = { gzip: gzipSync, zstd: zstdCompressSync, none: (bytes: Buffer) => bytes }
export const ociManifest = 'application/vnd.oci.image.manifest.v1+json'
export const ociIndex = 'application/vnd.oci.image.index.v1+json'

export const digestOf = (bytes: Buffer) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export function buildImage({ layers, labels = {}, user = '1000', platform }: ImagePlan): BuiltImage {
  const built = layers.map(({ entries, compression = 'gzip' }) => {
    const unpacked = tar(entries)
    const stored = pack[compression](unpacked)
    return { digest: digestOf(stored), stored, unpacked }
  })
  const config = Buffer.from(
    JSON.stringify({
      ...(platform ?? { os: 'linux', architecture: 'amd64' }),
      config: {
        User: user,
        Env: ['PATH=/bin'],
        Entrypoint: ['/opt/nim/start.sh'],
        Cmd: ['start-server'],
        Labels: labels,
      },
      rootfs: { type: 'layers', diff_ids: built.map(({ unpacked }) => digestOf(unpacked)) },
      history: [
        { created_by: 'ENV A=b', empty_layer: true },
        ...layers.map(({ createdBy = 'RUN something' }) => ({ created_by: createdBy })),
      ],
    }),
  )
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      // Media types say nothing of the compression on purpose: the bytes decide.
      layers: built.map(({ stored }) => descriptor('application/vnd.oci.image.layer.v1.tar', stored)),
    }),
  )
  return { digest: digestOf(manifest), manifest, config, layers: built }
}

function descriptor(mediaType: string, bytes: Buffer) {
  return { mediaType, digest: digestOf(bytes), size: bytes.length }
}

/** A list of images for several platforms. */
export function buildIndex(images: { image: BuiltImage; platform: object }[]): Buffer {
  const manifests = images.map(({ image, platform }) => ({ ...descriptor(ociManifest, image.manifest), platform }))
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }))
}

export function blobsOf({ config, layers }: BuiltImage): Buffer[] {
  return [config, ...layers.map(({ stored }) => stored)]
}

/** The files of an OCI layout. `named`: tag and the manifest or list behind it. */
export function ociLayoutFiles(images: BuiltImage[], named: { name?: string; top: Buffer; mediaType: string }[]) {
  const blobs = [...images.flatMap(image => [image.manifest, ...blobsOf(image)]), ...named.map(({ top }) => top)]
  const manifests = named.map(({ name, top, mediaType }) => ({
    ...descriptor(mediaType, top),
    ...(name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': name } }),
  }))
  return new Map([
    ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
    ['index.json', Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))],
    ...blobs.map(bytes => [`blobs/${digestOf(bytes).replace(':', '/')}`, bytes] as const),
  ])
}

/** The files of an archive of `docker save`. */
export function dockerArchiveFiles(images: { image: BuiltImage; tags: string[] | null }[]) {
  const manifest = images.map(({ image, tags }) => ({
    Config: `${digestOf(image.config).slice('sha256:'.length)}.json`,
    RepoTags: tags,
    Layers: image.layers.map(({ unpacked }) => `${digestOf(unpacked).slice('sha256:'.length)}/layer.tar`),
  }))
  return new Map([
    ...images.flatMap(({ image }) =>
      image.layers.map(({ unpacked }) => [`${digestOf(unpacked).slice(7)}/layer.tar`, unpacked] as const),
    ),
    ...images.map(({ image }) => [`${digestOf(image.config).slice(7)}.json`, image.config] as const),
    ['manifest.json', Buffer.from(JSON.stringify(manifest))],
  ])
}

export async function writeFiles(directory: string, files: Map<string, Buffer>): Promise<string> {
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true })
    await writeFile(join(directory, path), bytes)
  }
  return directory
}

export async function writeArchive(path: string, files: Map<string, Buffer>, compression: 'gzip' | 'none' = 'none') {
  await writeFile(path, pack[compression](tar([...files].map(([name, bytes]) => file(name, bytes)))))
  return path
}

export interface PushOptions {
  /** `http://127.0.0.1:PORT` */
  origin: string
  repository: string
  headers?: Record<string, string>
}

/** Puts blobs and manifests into a registry as clients do. */
export async function pushImage(image: BuiltImage, tag: string, options: PushOptions): Promise<void> {
  for (const blob of blobsOf(image)) await pushBlob(blob, options)
  await pushManifest(image.manifest, tag, ociManifest, options)
}

export async function pushBlob(bytes: Buffer, { origin, repository, headers = {} }: PushOptions): Promise<void> {
  const started = await ok(await fetch(`${origin}/v2/${repository}/blobs/uploads/`, { method: 'POST', headers }))
  const place = new URL(started.headers.get('location') ?? '', origin)
  place.searchParams.set('digest', digestOf(bytes))
  const type = { 'content-type': 'application/octet-stream' }
  await ok(await fetch(place, { method: 'PUT', headers: { ...headers, ...type }, body: new Uint8Array(bytes) }))
}

export async function pushManifest(
  bytes: Buffer,
  tag: string,
  mediaType: string,
  { origin, repository, headers = {} }: PushOptions,
): Promise<void> {
  const url = `${origin}/v2/${repository}/manifests/${tag}`
  await ok(
    await fetch(url, {
      method: 'PUT',
      headers: { ...headers, 'content-type': mediaType },
      body: new Uint8Array(bytes),
    }),
  )
}

async function ok(response: Response): Promise<Response> {
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`)
  return response
}
