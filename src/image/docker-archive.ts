import { createHash } from 'node:crypto'

import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { type ContainerConfig, parseContainerConfig } from './container-config.ts'
import { archiveFiles, type ImageFiles, readShort } from './image-files.ts'
import { type ImageSource, notAnImage } from './image-source.ts'
import type { Layer } from './layers/layer.ts'
import { notOne } from './oci-image.ts'
import { type FileReference, formatImageReference, parseImageReference } from './reference.ts'

/** What `docker save` writes: https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format */
const schema = v.array(
  v.object({ Config: v.string(), RepoTags: v.nullable(v.array(v.string())), Layers: v.array(v.string()) }),
)
const longest = 16 * 1024 * 1024

/**
 * An image in an archive of `docker save`. Its digest is the image's id, as the engine has it: no manifest of a registry
 * lies in there.
 *
 * @throws NimctlError `not-found` / `PATH_NOT_FOUND`, `IMAGE_NOT_FOUND`; `usage` / `NOT_AN_IMAGE`, `IMAGE_AMBIGUOUS`;
 * `check-failed` / `IMAGE_DAMAGED`.
 */
export async function openDockerArchive(
  reference: FileReference,
  { signal }: { signal: AbortSignal },
): Promise<ImageSource> {
  const image = formatImageReference(reference)
  const files = await archiveFiles(reference.path, signal)
  const read = (path: string) => readShort(files, path, { limit: longest, image, signal })
  const parsed = v.safeParse(schema, parseJson((await read('manifest.json')) ?? Buffer.alloc(0)))
  if (!parsed.success) throw notAnImage(image)
  const saved = choose(parsed.output, reference)
  const bytes = await read(saved.Config)
  if (bytes === undefined) throw missing(image, saved.Config)
  const config = parseContainerConfig(bytes)
  if (config === undefined || config.diffIds.length !== saved.Layers.length) throw notAnImage(image)
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  return {
    reference: image,
    digest,
    images: [{ digest }],
    readImage: async () => ({
      digest,
      platform: config.platform,
      configDigest: digest,
      configSize: bytes.length,
      config,
      layers: await describeLayers(files, { image, config, paths: saved.Layers }),
    }),
  }
}

type Saved = v.InferOutput<typeof schema>

function choose(images: Saved, reference: FileReference): Saved[number] {
  const { name } = reference
  const wanted = name === undefined ? undefined : formatImageReference(parseImageReference(name))
  const chosen = images.filter(
    ({ RepoTags }) =>
      wanted === undefined || RepoTags?.some(tag => formatImageReference(parseImageReference(tag)) === wanted),
  )
  const [only, ...more] = chosen
  if (only !== undefined && more.length === 0) return only
  throw notOne(
    reference,
    images.flatMap(({ RepoTags }) => RepoTags ?? []),
  )
}

async function describeLayers(
  files: ImageFiles,
  { image, config, paths }: { image: string; config: ContainerConfig; paths: readonly string[] },
): Promise<Layer[]> {
  const steps = config.layerSteps.length === paths.length ? config.layerSteps : []
  return await Promise.all(
    paths.map(async (path, index) => {
      const size = await files.size(path)
      if (size === undefined) throw missing(image, path)
      return {
        digest: config.diffIds[index] ?? '',
        digestOf: 'unpacked' as const,
        size,
        createdBy: steps[index] ?? '',
        open: (signal: AbortSignal) => files.open(path, signal),
      }
    }),
  )
}

function missing(image: string, path: string): NimctlError {
  return new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A part of ${image} is missing.`,
    why: `The archive has no ${path}.`,
    next: 'Save the image anew: docker save',
  })
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
