import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import type { Registry } from '../servers/registry.ts'
import {
  buildImage,
  digestOf,
  file,
  type LayerPlan,
  manifestFile,
  ociManifest,
  pushBlob,
  pushManifest,
} from './built-image.ts'

const largeLayer = 1536 * 1024 * 1024

/**
 * An image of 3 GiB: two large layers, and the manifest in a small one above them. The large ones have holes for content,
 * and are laid where the registry keeps its blobs: it looks at a digest only while something is pushed.
 *
 * @returns bytes of the image.
 */
export async function pushLargeImage(
  registry: Registry,
  { repository, tag }: { repository: string; tag: string },
): Promise<{ size: number }> {
  const small: LayerPlan[] = [
    { entries: [file('etc/os-release', 'ID=nim')] },
    { entries: [manifestFile()] },
    { entries: [file('opt/nim/start.sh', '#!/bin/sh')] },
  ]
  const image = buildImage({ layers: small })
  const large = await Promise.all(
    ['programs', 'weights'].map(name => layHoles(registry, { repository, name, size: largeLayer })),
  )
  const push = { origin: `http://${registry.host}`, repository }
  for (const { stored } of image.layers) await pushBlob(stored, push)
  const [base, ...rest] = JSON.parse(image.manifest.toString('utf8')).layers
  const layers = [base, ...large, ...rest]
  const config = JSON.parse(image.config.toString('utf8'))
  config.rootfs.diff_ids = layers.map(({ digest }: { digest: string }) => digest)
  config.history = layers.map(() => ({ created_by: 'RUN something' }))
  const configBytes = Buffer.from(JSON.stringify(config))
  await pushBlob(configBytes, push)
  const manifest = {
    ...JSON.parse(image.manifest.toString('utf8')),
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: digestOf(configBytes),
      size: configBytes.length,
    },
    layers,
  }
  await pushManifest(Buffer.from(JSON.stringify(manifest)), tag, ociManifest, push)
  return { size: layers.reduce((sum: number, { size }: { size: number }) => sum + size, 0) }
}

async function layHoles(
  { storage }: Registry,
  { repository, name, size }: { repository: string; name: string; size: number },
) {
  const digest = digestOf(Buffer.from(name))
  const hex = digest.slice('sha256:'.length)
  const root = join(storage, 'docker/registry/v2')
  const data = join(root, 'blobs/sha256', hex.slice(0, 2), hex, 'data')
  await mkdir(dirname(data), { recursive: true })
  const holes = await open(data, 'wx')
  await holes.truncate(size)
  await holes.close()
  const link = join(root, 'repositories', repository, '_layers/sha256', hex, 'link')
  await mkdir(dirname(link), { recursive: true })
  await writeFile(link, digest)
  return { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size }
}

/** What the registry says that it has served to nimctl, in bytes. */
export async function servedBytes({ logFile }: Registry): Promise<number> {
  const log = await readFile(logFile, 'utf8')
  const lines = [...log.matchAll(/"GET [^"]*" (\d{3}) (\d+) "[^"]*" "nimctl"/g)]
  if (lines.length === 0) throw new Error('The registry noted no request of nimctl.')
  return lines.reduce((sum, [, , bytes]) => sum + Number(bytes), 0)
}
