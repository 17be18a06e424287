import { createHash } from 'node:crypto'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { serveVersion } from '../../fixtures/stand-in/content.ts'
import { modelManifest } from '../../fixtures/stand-in/manifest.ts'
import { hubModels } from '../../fixtures/stand-in/model-free.ts'
import {
  profileFiles,
  type NgcVersion,
  type StandInImage,
  type StandInProfile,
} from '../../fixtures/stand-in/stand-in-image.ts'
import type { CacheForm } from '../../src/cache/cache-tree.ts'
import { sumContents } from '../../src/cache/check-contents.ts'
import { writeOwnSums } from '../../src/cache/own-sums.ts'
import { writeCacheRecord } from '../../src/cache/record.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import { describeNimImage, type NimImage } from '../../src/image/inspect.ts'
import { silent } from '../../src/system/progress.ts'
import { temporaryDirectory } from '../hub-cache.ts'

const sizeFactor = 0.02

/** A cache as `nimctl cache` leaves it, made without a container. */
export interface FamilyCache {
  root: string
  /** What it was filled with. */
  image: NimImage
}

const made = {
  /** LLM 2.x, whose manifest names versions (v2); an engine and an empty file among its files. */
  llm: () => hubCache(standIns.llm2, engineProfile(standIns.llm2)),
  /** LLM 1.x, whose manifest names no versions (v1). */
  llm1: () => hubCache(standIns.llm1, sure(standIns.llm1.profiles[0])),
  nimlib: () => hubCache(standIns.nimlib, sure(standIns.nimlib.profiles[0])),
  flat: () => flatCache(standIns.llm2, engineProfile(standIns.llm2)),
  native: () => nativeCache(standIns.native),
  modelFree: () => modelFreeCache(standIns.modelFree),
}

export type Family = keyof typeof made

export const families = Object.keys(made) as Family[]

export async function makeFamilyCache(family: Family): Promise<FamilyCache> {
  const cache = await made[family]()
  await chmod(cache.root, 0o755)
  return cache
}

/** As it is read out of an image of the catalogue. */
export function imageOf({ reference, family, user, manifest, ...image }: StandInImage): NimImage {
  return describeNimImage(
    { reference, digest: `sha256:${createHash('sha256').update(reference).digest('hex')}` },
    {
      platform: 'linux/amd64',
      labels: family === 'native' ? { 'com.nvidia.nim.model_download_protocol': 'native-v1' } : {},
      env: ['NIM_CACHE_PATH=/opt/nim/.cache'],
      entrypoint: [],
      command: [],
      user,
      ...(manifest !== undefined && {
        manifest: { path: manifest.path, text: modelManifest({ reference, family, user, manifest, ...image }) },
      }),
    },
  )
}

/** One with an engine: it draws files from two versions. */
function engineProfile({ profiles }: StandInImage): StandInProfile {
  return sure(profiles.find(({ gpuDevice }) => gpuDevice !== undefined))
}

async function hubCache(standIn: StandInImage, profile: StandInProfile): Promise<FamilyCache> {
  const root = await temporaryDirectory()
  for (const { source, paths } of profile.components) {
    const model = join(root, 'ngc/hub', `models--${source.model.replaceAll('/', '--')}`)
    for (const file of await contentsOf(source)) {
      if (!paths.includes(file.path)) continue
      await writeBlob(join(model, 'blobs', file.etag), join(model, 'snapshots', source.version, file.path), file.bytes)
    }
    await writeInto(join(model, 'refs', source.version), source.version)
  }
  for (const folder of ['ngc/hub/tmp', 'local_cache']) await mkdir(join(root, folder), { recursive: true })
  return await recorded(root, standIn, { form: 'hub', profile })
}

async function flatCache(standIn: StandInImage, profile: StandInProfile): Promise<FamilyCache> {
  const root = await temporaryDirectory()
  for (const { target, model, version, path } of profileFiles(profile)) {
    const source = sure(standIn.versions.find(each => each.model === model && each.version === version))
    const { bytes } = sure((await contentsOf(source)).find(file => file.path === path))
    await writeInto(join(root, target), bytes)
  }
  return await recorded(root, standIn, { form: 'flat', profile })
}

async function nativeCache(standIn: StandInImage): Promise<FamilyCache> {
  const root = await temporaryDirectory()
  for (const { name, source } of standIn.models ?? []) {
    for (const { path, bytes } of await contentsOf(source)) {
      await writeInto(join(root, name.slice(name.lastIndexOf('/') + 1), path), bytes)
    }
  }
  return await recorded(root, standIn, { form: 'native' })
}

async function modelFreeCache(standIn: StandInImage): Promise<FamilyCache> {
  const root = await temporaryDirectory()
  const { name, commit, version } = sure(hubModels[0])
  const model = join(root, 'huggingface/hub/hub', `models--${name.replaceAll('/', '--')}`)
  for (const { path, bytes } of await contentsOf(version)) {
    await writeBlob(join(model, 'blobs', hubName(path, bytes)), join(model, 'snapshots', commit, path), bytes)
  }
  await writeInto(join(model, 'refs/main'), commit)
  await writeInto(join(root, 'model_manifest.json'), '{}')
  return await recorded(root, standIn, { form: 'uri' })
}

/** Hugging Face names large files by their SHA-256 and the others as Git does. */
function hubName(path: string, bytes: Buffer): string {
  if (path.endsWith('.safetensors')) return createHash('sha256').update(bytes).digest('hex')
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

async function contentsOf(version: NgcVersion): Promise<{ path: string; bytes: Buffer; etag: string }[]> {
  return await Promise.all(
    serveVersion(version, sizeFactor).map(async file => ({
      path: file.path,
      bytes: Buffer.concat(await Array.fromAsync(file.read(0, file.size))),
      etag: (await file.digests()).etag,
    })),
  )
}

async function writeBlob(blob: string, link: string, bytes: Buffer): Promise<void> {
  await writeInto(blob, bytes)
  await mkdir(dirname(link), { recursive: true })
  await symlink(relative(dirname(link), blob), link)
}

async function writeInto(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** What `nimctl cache` notes: its record, the image's manifest, and of other forms than `hub` a checksum of each file. */
async function recorded(
  root: string,
  standIn: StandInImage,
  { form, profile }: { form: CacheForm; profile?: StandInProfile },
): Promise<FamilyCache> {
  const image = imageOf(standIn)
  const { signal } = new AbortController()
  if (form !== 'hub') {
    const options = { ownSums: new Map(), concurrency: 2, signal, report: silent }
    const { sums } = await sumContents(await scanCacheTree(root), options)
    await mkdir(join(root, '.nimctl'))
    await writeOwnSums(root, sums)
  }
  await writeCacheRecord(root, {
    formatVersion: 1,
    kind: 'CacheRecord',
    image: image.reference,
    imageDigest: image.digest,
    family: image.family,
    profiles: profile === undefined ? [] : [{ id: profile.id, tags: profile.tags }],
    form,
  })
  if (image.manifest !== undefined) await writeFile(join(root, '.nimctl/model_manifest.yaml'), image.manifest.text)
  return { root, image }
}

function sure<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The catalogue of stand-ins does not have it.')
  return value
}
