import { mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { create } from 'tar'
import { list } from 'tar/list'
import * as v from 'valibot'

import { NimctlError } from '../system/errors.ts'
import { ensureWritableDirectory, translateFileError, writeFileAtomically } from '../system/files.ts'
import { digestOf } from './image-manifest.ts'

/** https://github.com/opencontainers/image-spec/blob/main/descriptor.md; what else it holds is kept. */
const descriptorSchema = v.looseObject({
  mediaType: v.string(),
  digest: v.string(),
  size: v.number(),
  annotations: v.optional(v.record(v.string(), v.string())),
})
export type Descriptor = v.InferOutput<typeof descriptorSchema>

export const indexSchema = v.looseObject({ manifests: v.array(descriptorSchema) })

const nameAnnotation = 'org.opencontainers.image.ref.name'

/** What lies in a directory or an archive in OCI's layout. */
export interface OciFiles {
  images: Descriptor[]
  /** A short blob; `undefined` where it is not there or its bytes are others. */
  read(digest: string): Promise<Buffer | undefined>
  /** Bytes of a blob; `undefined` where it is not there. */
  size(digest: string): Promise<number | undefined>
}

/** `undefined` where there is no layout yet. */
export async function openOciLayout(path: string): Promise<OciFiles | undefined> {
  const index = await readFile(join(path, 'index.json')).catch(() => undefined)
  if (index === undefined) return undefined
  return {
    images: parseIndex(index, path),
    read: async digest => checked(await readFile(blobPath(path, digest)).catch(() => undefined), digest),
    size: digest =>
      stat(blobPath(path, digest)).then(
        found => found.size,
        () => undefined,
      ),
  }
}

/** Manifests and configs are shorter, layers mostly longer. */
const longestKept = 4 * 1024 * 1024

/** Reads an archive once from end to end; layers are passed over. `undefined` where there is none. */
export async function openOciArchive(path: string): Promise<OciFiles | undefined> {
  if ((await stat(path).catch(() => undefined)) === undefined) return undefined
  const sizes = new Map<string, number>()
  const short = new Map<string, Buffer>()
  await list({
    file: path,
    onReadEntry: entry => {
      const name = entry.path.replace(/^\.\//, '')
      sizes.set(name, entry.size)
      if (entry.size > longestKept) return
      const chunks: Buffer[] = []
      entry.on('data', chunk => chunks.push(Buffer.from(chunk)))
      entry.on('end', () => short.set(name, Buffer.concat(chunks)))
    },
  })
  return {
    images: parseIndex(short.get('index.json') ?? Buffer.alloc(0), path),
    read: async digest => checked(short.get(blobPath('', digest)), digest),
    size: async digest => sizes.get(blobPath('', digest)),
  }
}

/** The image of this name; without a name, the only one. */
export function findImage({ images }: OciFiles, name: string | undefined): Descriptor | undefined {
  if (name === undefined) return images.length === 1 ? images[0] : undefined
  return images.find(({ annotations }) => annotations?.[nameAnnotation] === name)
}

/**
 * Lets `write` fill a layout of its own whose blobs are those of `path`, and takes the images of it over afterwards. So
 * several can be written at once, and one that is killed leaves no name behind, but its finished blobs.
 *
 * @param name of the image; absent: its blobs alone.
 * @returns the image as it was written.
 */
export async function writeIntoLayout(
  path: string,
  name: string | undefined,
  write: (staging: { path: string; blobs: string }) => Promise<void>,
): Promise<Descriptor | undefined> {
  await ensureWritableDirectory(path)
  const staging = await mkdtemp(join(path, '.nimctl-'))
  try {
    const blobs = join(resolve(path), 'blobs')
    await mkdir(join(blobs, 'sha256'), { recursive: true })
    await write({ path: staging, blobs })
    const [image] = (await openOciLayout(staging))?.images ?? []
    if (image !== undefined && name !== undefined) await nameImage(path, name, image)
    return image
  } catch (error) {
    throw translateFileError(error, path)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

/** Writes a short blob, such as a list. */
export async function writeBlob(path: string, bytes: Buffer): Promise<string> {
  const digest = digestOf(bytes)
  await mkdir(join(path, 'blobs/sha256'), { recursive: true })
  await writeFileAtomically(blobPath(path, digest), bytes)
  return digest
}

/** One at a time for each directory: index.json is read, changed and written as a whole. */
const naming = new Map<string, Promise<void>>()

/** Enters an image into `index.json`, in place of one that had the name before. */
export async function nameImage(path: string, name: string, { annotations, ...image }: Descriptor): Promise<void> {
  const enter = async () => {
    const before = (await openOciLayout(path))?.images ?? []
    const others = before.filter(each => each.annotations?.[nameAnnotation] !== name)
    const named = { ...image, annotations: { ...annotations, [nameAnnotation]: name } }
    await writeFileAtomically(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const index = { schemaVersion: 2, mediaType: ociIndex, manifests: [...others, named] }
    await writeFileAtomically(join(path, 'index.json'), JSON.stringify(index))
  }
  const key = resolve(path)
  const turn = (naming.get(key) ?? Promise.resolve()).then(enter)
  naming.set(
    key,
    turn.catch(() => {}),
  )
  await turn
}

/** Shows one blob of a layout as a layout with one image, because skopeo finds images by name alone. */
export async function writeView(directory: string, path: string, image: Descriptor): Promise<void> {
  await symlink(join(resolve(path), 'blobs'), join(directory, 'blobs'))
  await nameImage(directory, 'image', image)
}

/** Makes one file of a layout, which is there whole or not at all. */
export async function packLayout(path: string, file: string): Promise<void> {
  const whole = join(path, 'archive.tar')
  try {
    await create({ cwd: path, file: whole, portable: true }, ['oci-layout', 'index.json', 'blobs'])
    await rename(whole, file)
  } catch (error) {
    throw translateFileError(error, file)
  }
  await rm(path, { recursive: true, force: true })
}

/** A list by itself, as skopeo's transport `dir` has it. */
export async function writeListDirectory(directory: string, bytes: Buffer): Promise<void> {
  await writeFile(join(directory, 'version'), 'Directory Transport Version: 1.1\n')
  await writeFile(join(directory, 'manifest.json'), bytes)
}

export const ociIndex = 'application/vnd.oci.image.index.v1+json'

function blobPath(path: string, digest: string): string {
  return join(path, 'blobs', ...digest.split(':'))
}

function checked(bytes: Buffer | undefined, digest: string): Buffer | undefined {
  return bytes !== undefined && digestOf(bytes) === digest ? bytes : undefined
}

function parseIndex(bytes: Buffer, path: string): Descriptor[] {
  try {
    return v.parse(indexSchema, JSON.parse(bytes.toString('utf8'))).manifests
  } catch (error) {
    throw new NimctlError('usage', 'NOT_AN_IMAGE', {
      what: `${path} holds no container images.`,
      why: "Its index.json is not that of OCI's image layout.",
      cause: error,
    })
  }
}
