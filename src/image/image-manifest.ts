import { createHash } from 'node:crypto'

import * as v from 'valibot'

/** What a registry keeps under a tag: one image, or a list of images by platform. */
export interface ImageManifest {
  /** SHA-256 of the bytes as they came, `sha256:…`. */
  digest: string
  mediaType: string
  /** Config and layers, sizes as stored; empty for a list. */
  blobs: { digest: string; size: number }[]
  configDigest?: string
  /** The images of a list; `undefined` for a single image. Attestations (`unknown/unknown`) are among them. */
  images?: PlatformImage[]
  /** A list as it came. */
  raw?: Uint8Array
}

/** One image of a list. */
export interface PlatformImage {
  digest: string
  platform: string
}

const descriptor = v.object({ digest: v.string(), size: v.number() })
const schema = v.object({
  mediaType: v.optional(v.string()),
  config: v.optional(descriptor),
  layers: v.optional(v.array(descriptor)),
  manifests: v.optional(
    v.array(
      v.object({
        digest: v.string(),
        platform: v.optional(
          v.object({
            os: v.optional(v.string()),
            architecture: v.optional(v.string()),
            variant: v.optional(v.string()),
          }),
        ),
      }),
    ),
  ),
})

/** Reads what `skopeo inspect --raw` prints, of Docker's and OCI's formats. `undefined` when it is neither. */
export function parseImageManifest(bytes: Uint8Array): ImageManifest | undefined {
  const parsed = v.safeParse(schema, parseJson(bytes))
  if (!parsed.success) return undefined
  const { mediaType, config, layers, manifests } = parsed.output
  const digest = digestOf(bytes)
  if (manifests !== undefined) {
    return {
      digest,
      mediaType: mediaType ?? 'application/vnd.oci.image.index.v1+json',
      blobs: [],
      raw: bytes,
      images: manifests.map(each => ({ digest: each.digest, platform: platformName(each.platform ?? {}) })),
    }
  }
  if (config === undefined || layers === undefined) return undefined
  return {
    digest,
    mediaType: mediaType ?? 'application/vnd.oci.image.manifest.v1+json',
    blobs: [config, ...layers].map(({ digest: blob, size }) => ({ digest: blob, size })),
    configDigest: config.digest,
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** What of an image's config says whether two images are the same in spite of other digests. */
export interface ImageConfig {
  platform: string
  /** Digests of the unpacked layers, which compression does not change. */
  diffIds: string[]
  /** Environment, entry point, labels and the like, in one comparable text. */
  settings: string
}

const configSchema = v.object({
  os: v.optional(v.string()),
  architecture: v.optional(v.string()),
  variant: v.optional(v.string()),
  rootfs: v.object({ diff_ids: v.array(v.string()) }),
  config: v.optional(
    v.nullable(
      v.object({
        User: v.optional(v.nullable(v.string())),
        Env: v.optional(v.nullable(v.array(v.string()))),
        Entrypoint: v.optional(v.nullable(v.array(v.string()))),
        Cmd: v.optional(v.nullable(v.array(v.string()))),
        WorkingDir: v.optional(v.nullable(v.string())),
        Labels: v.optional(v.nullable(v.record(v.string(), v.string()))),
      }),
    ),
  ),
})

/** Reads an image's config, of Docker's and OCI's formats. `undefined` when it is neither. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig | undefined {
  const parsed = v.safeParse(configSchema, parseJson(bytes))
  if (!parsed.success) return undefined
  const { rootfs, config } = parsed.output
  const settings = [
    config?.User ?? '',
    config?.Env ?? [],
    config?.Entrypoint ?? [],
    config?.Cmd ?? [],
    config?.WorkingDir ?? '',
    Object.entries(config?.Labels ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]
  return { platform: platformName(parsed.output), diffIds: rootfs.diff_ids, settings: JSON.stringify(settings) }
}

/** Such as `linux/amd64` or `linux/arm64/v8`. */
function platformName(platform: {
  os?: string | undefined
  architecture?: string | undefined
  variant?: string | undefined
}): string {
  const { os = 'unknown', architecture = 'unknown', variant } = platform
  return [os, architecture, ...(variant === undefined || variant === '' ? [] : [variant])].join('/')
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
