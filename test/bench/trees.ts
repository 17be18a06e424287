import { createCipheriv, createHash } from 'node:crypto'
import { mkdir, open, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const kibibyte = 1024
const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3

/** Where nothing is said otherwise: as the goals have it. */
export const nimCache = { blobs: 3, names: 2, smallFiles: 3000 }

export interface MadeCache {
  directory: string
  uniqueBytes: number
  /** By who sends what a link leads to. */
  followedBytes: number
}

/** A hub tree: 3 blobs, each linked from two snapshots, and 3,000 files of 4 KiB. No two contents are alike. */
export async function makeNimCache(directory: string, scale: number): Promise<MadeCache> {
  const { blobs, names, smallFiles } = nimCache
  const size = Math.ceil((gibibyte * scale) / mebibyte) * mebibyte
  const count = Math.ceil(smallFiles * scale)
  const model = join(directory, 'ngc/hub/models--nim--bench--model')
  const snapshots = Array.from({ length: names }, (_, index) => `0.1+profile-${index}`)
  for (const folder of ['blobs', 'refs', ...snapshots.map(name => `snapshots/${name}`)]) {
    await mkdir(join(model, folder), { recursive: true })
  }
  for (const name of snapshots) await writeFile(join(model, 'refs', name), name)
  for (let index = 0; index < blobs; index++) {
    const blob = createHash('md5').update(`blob ${index}`).digest('hex')
    await writeRandom(join(model, 'blobs', blob), `blob ${index}`, size)
    for (const name of snapshots) {
      await symlink(`../../blobs/${blob}`, join(model, 'snapshots', name, `model-${index}.safetensors`))
    }
  }
  await makeSmallFiles(join(model, 'snapshots', snapshots[0] ?? ''), count)
  const small = count * 4 * kibibyte
  return { directory, uniqueBytes: blobs * size + small, followedBytes: blobs * size * (1 + names) + small }
}

/** Files of 4 KiB in folders of 1,000. */
export async function makeSmallFiles(directory: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const folder = join(directory, `part-${Math.floor(index / 1000)}`)
    if (index % 1000 === 0) await mkdir(folder, { recursive: true })
    await writeRandom(join(folder, `file-${index}.json`), `file ${index}`, 4 * kibibyte)
  }
}

/** Bytes that don't compress, the same in each run. */
async function writeRandom(path: string, seed: string, size: number): Promise<void> {
  const key = createHash('sha256').update(seed).digest()
  const random = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(size, mebibyte))
  const file = await open(path, 'w')
  for (let written = 0; written < size; written += zeros.length) await file.write(random.update(zeros))
  await file.close()
}
