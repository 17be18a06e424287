import { createCipheriv, createHash } from 'node:crypto'
import { mkdir, open, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const kibibyte = 1024
const mebibyte = 1024 ** 2

interface Blobs {
  count: number
  /** Bytes of each. */
  size: number
}

/** Few huge, many small (reference/nim.md 4.1). `scale` shrinks the huge ones, and makes the others fewer. */
export function nimShapedBlobs(scale: number): Blobs[] {
  return [
    { count: 4, size: Math.ceil(512 * scale) * mebibyte },
    { count: Math.ceil(40 * scale), size: mebibyte },
    { count: Math.ceil(2000 * scale), size: 4 * kibibyte },
  ]
}

const snapshots = ['0.1+bf16', '0.1+fp8'] as const

/** Every other blob is in both snapshots. */
function snapshotsOf(index: number): readonly string[] {
  return index % 2 === 0 ? snapshots : snapshots.slice(0, 1)
}

/** Bytes of the blobs, and of the blobs and links to whoever follows links. */
export function bytesOf(blobs: readonly Blobs[]): { once: number; followed: number } {
  const sizes = blobs.flatMap(({ count, size }) => Array.from({ length: count }, () => size))
  return {
    once: sizes.reduce((total, size) => total + size, 0),
    followed: sizes.reduce((total, size, index) => total + size * (1 + snapshotsOf(index).length), 0),
  }
}

/** A hub tree of bytes that don't compress, no two blobs alike, the same in each run. */
export async function makeNimShapedCache(root: string, blobs: readonly Blobs[]): Promise<void> {
  const model = join(root, 'ngc/hub/models--nim--bench--model')
  for (const folder of ['blobs', 'refs', ...snapshots.map(name => `snapshots/${name}`)]) {
    await mkdir(join(model, folder), { recursive: true })
  }
  for (const name of snapshots) await writeFile(join(model, 'refs', name), name)
  let index = 0
  for (const { count, size } of blobs) {
    for (let left = count; left > 0; left--, index++) {
      const blob = await writeBlob(join(model, 'blobs'), index, size)
      const links = snapshotsOf(index).map(name => join(model, 'snapshots', name, `file-${index}.safetensors`))
      await Promise.all(links.map(link => symlink(`../../blobs/${blob}`, link)))
    }
  }
}

/** Returns its name, the MD5 of what is in it. */
async function writeBlob(folder: string, index: number, size: number): Promise<string> {
  const key = createHash('sha256').update(`blob ${index}`).digest()
  const random = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(size, mebibyte))
  const md5 = createHash('md5')
  const file = await open(join(folder, 'unnamed'), 'w')
  for (let written = 0; written < size; written += zeros.length) {
    const chunk = random.update(zeros)
    md5.update(chunk)
    await file.write(chunk)
  }
  await file.close()
  const name = md5.digest('hex')
  await rename(join(folder, 'unnamed'), join(folder, name))
  return name
}
