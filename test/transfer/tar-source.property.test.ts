import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { extract } from 'tar/extract'
import { describe, expect, it } from 'vitest'

import { scanCacheTree } from '../../src/cache/scan.ts'
import { crc32c } from '../../src/system/hash.ts'
import { openDirectorySource, type Source } from '../../src/transfer/source.ts'
import { openTarSource } from '../../src/transfer/tar-source.ts'
import { readTree } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { newSeed, seeded, type Seeded } from '../seeded.ts'
import { makeRandomTree, randomContents } from './random-tree.ts'

const { signal } = new AbortController()
const first = Number(process.env.NIMCTL_TEST_SEED ?? newSeed())
const seeds = Array.from({ length: Number(process.env.NIMCTL_TEST_CASES ?? 10) }, (_, index) => first + index)

/** One case again: NIMCTL_TEST_SEED=<its seed> NIMCTL_TEST_CASES=1 */
describe('for a random tree', () => {
  it.each(seeds)('the archive unpacks to it, whatever ranges it was read in (seed %i)', async seed => {
    const random = seeded(seed)
    const work = await temporaryDirectory()
    try {
      const root = join(work, 'cache')
      await makeRandomTree(root, randomContents(random), random)
      await addLongNames(root, random)
      const source = await openTar(root, join(work, 'state'))
      const whole = await readInRanges(source, random)
      await writeFile(join(work, 'cache.tar'), whole)
      await mkdir(join(work, 'unpacked'))
      await extract({ file: join(work, 'cache.tar'), cwd: join(work, 'unpacked'), strict: true, noChmod: false })
      expect(await readTree(join(work, 'unpacked'))).toEqual(await readTree(root))

      await expectSumsAndOffsets(source, { root, whole })
      await source.close()
      const again = await openTar(root, join(work, 'state'))
      expect(again.sumOf(archiveOf(again).file)).toBe(crc32c(whole))
      await again.close()
    } finally {
      await rm(work, { recursive: true })
    }
  })
})

async function openTar(root: string, stateDirectory: string): Promise<Source> {
  return openTarSource(await openDirectorySource(await scanCacheTree(root), stateDirectory))
}

function archiveOf({ archive }: Source) {
  if (archive === undefined) throw new Error('There is no archive.')
  return archive
}

async function addLongNames(root: string, random: Seeded): Promise<void> {
  for (const length of [99, 100, 101, 155, 156, 255]) {
    const folder = join(root, 'long', 'f'.repeat(random.below(255) + 1))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'n'.repeat(length)), random.bytes(random.below(2000)))
  }
}

/** Reads everything by ranges in random order, cut anywhere and most often where a content begins. */
async function readInRanges(source: Source, random: Seeded): Promise<Buffer> {
  const archive = archiveOf(source)
  const { file } = archive
  const whole = Buffer.alloc(file.size, 0xff)
  const opened = await source.open(file)
  const cuts = Array.from({ length: random.below(100) }, () =>
    random.below(2) === 0
      ? random.below(file.size)
      : archive.offsetOf(random.pick(source.tree.entries).path) + random.below(1200) - 600,
  )
  const starts = [0, ...cuts.filter(cut => cut > 0 && cut < file.size).toSorted((a, b) => a - b)]
  const ranges = starts.map((start, index) => whole.subarray(start, starts[index + 1] ?? file.size))
  for (const range of random.shuffle(ranges)) {
    await opened.read(range, range.byteOffset - whole.byteOffset, { signal })
  }
  await opened.close()
  return whole
}

async function expectSumsAndOffsets(source: Source, { root, whole }: { root: string; whole: Buffer }): Promise<void> {
  const archive = archiveOf(source)
  const sums = await archive.readSums(signal)
  for (const entry of source.tree.entries) {
    if (entry.type !== 'file') continue
    const content = await readFile(join(root, entry.path))
    const offset = archive.offsetOf(entry.path)
    expect(whole.subarray(offset, offset + entry.size).equals(content)).toBe(true)
    expect(sums.get(entry.path)).toBe(crc32c(content))
  }
  expect(source.sumOf(archive.file)).toBe(crc32c(whole))
}
