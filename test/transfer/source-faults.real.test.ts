import { appendFileSync, chmodSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { cp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'

import { boundByPermissions } from '../e2e/launchers.ts'
import { readContents } from '../e2e/trees.ts'
import { makeHubCache } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { type FaultPlace, isPart, openFaultPlace, type Trial } from './fault-place.ts'

const seed = newSeed()
const inventory = '.nimctl/inventory.jsonl'

let place: FaultPlace
let trial: Trial
/** The cache, for one test to change; some files of it are new since the store got it. */
let cache: string
/** Of the files that are new: one in several parts, one in a single part. */
let large: string
let small: string

beforeAll(async () => {
  place = await openFaultPlace(inject('s3Env'), { makeCache: root => makeHubCache(root) })
})
afterAll(() => place.close())
beforeEach(async () => {
  trial = await place.begin()
  cache = join(place.work, trial.prefix)
  await cp(place.cache, cache, { recursive: true, verbatimSymlinks: true })
  large = join(cache, 'large.bin')
  small = join(cache, 'small.bin')
})
afterEach(async () => {
  trial.stop()
  await rm(cache, { recursive: true, force: true })
})

const largeSize = 11 * 2 ** 20
const other = () => seeded(seed + 1).bytes(6 * 2 ** 20)

interface Change {
  how: string
  change: (path: string) => void
}

const grown: Change = { how: 'grows', change: path => appendFileSync(path, 'more') }
const truncated: Change = { how: 'is truncated', change: path => truncateSync(path, 1000) }
const writtenOver: Change = { how: 'is written over', change: path => writeFileSync(path, other()) }
const replaced: Change = {
  how: 'is replaced',
  change: path => {
    writeFileSync(`${path}.new`, other())
    renameSync(`${path}.new`, path)
  },
}
const gone: Change = { how: 'is gone', change: path => rmSync(path) }
const forbidden: Change = { how: 'may not be read any more', change: path => chmodSync(path, 0) }

/** Two destinations hold the cache; then new files come into it, of which one suffers during the next upload. */
async function uploadWhile(
  when: (request: IncomingMessage) => boolean,
  change: () => void,
): Promise<{ outcome: Awaited<ReturnType<Trial['run']>>; upload: () => ReturnType<Trial['run']> }> {
  const urls = [`${trial.url}one/`, `${trial.url}two/`]
  const args = ['upload', cache, ...urls, '--part-size', '5Mi', '--concurrency', '2', '--json']
  const upload = () => trial.run(args, { program: boundByPermissions })
  expect(await upload()).toMatchObject({ exitCode: 0 })
  expect((await keys()).filter(key => key.endsWith(inventory))).toHaveLength(2)

  writeFileSync(large, seeded(seed).bytes(largeSize))
  writeFileSync(small, 'small')
  let changed = false
  const once = (request: IncomingMessage) => {
    if (!changed && when(request)) {
      changed = true
      change()
    }
    return false
  }
  trial.proxy.always(once, { type: 'stall' })
  return { outcome: await upload(), upload }
}

const keys = async () => [...(await place.bucket.sizes(trial.prefix)).keys()]

/** The first request lists what the store has: the directory has been looked through, nothing of it is open yet. */
const atOnce = () => true

async function expectRefused(
  outcome: Awaited<ReturnType<Trial['run']>>,
  { path, code }: { path: string; code: string },
): Promise<void> {
  expect(outcome.json()).toMatchObject({
    code,
    what: expect.stringContaining(`${path} `),
    next: expect.any(String),
  })
  const left = await keys()
  expect(left.filter(key => key.endsWith(inventory) || path.endsWith(key.slice('one/'.length)))).toEqual([])
}

/** When the disk holds still again, the same command brings what is there to both, and no part of another content. */
async function expectNextRunWhole(upload: () => ReturnType<Trial['run']>): Promise<void> {
  trial.proxy.calm()
  expect(await upload()).toMatchObject({ exitCode: 0 })
  const contents = await readContents(cache)
  for (const destination of ['one/', 'two/']) {
    const { [inventory]: marker, ...found } = await place.bucket.hashes(trial.prefix + destination)
    expect(marker).toBeDefined()
    expect(Object.fromEntries(Object.keys(contents).map(path => [path, found[path]]))).toEqual(contents)
  }
  expect(await place.bucket.openUploads(trial.prefix)).toEqual([])
}

describe('a file of several parts', () => {
  it.each([grown, truncated, writtenOver])('that $how while it is sent is published nowhere', async ({ change }) => {
    const { outcome, upload } = await uploadWhile(isPart, () => change(large))
    expect(outcome).toMatchObject({ exitCode: 8 })
    await expectRefused(outcome, { path: large, code: 'SOURCE_CHANGED' })
    await expectNextRunWhole(upload)
  })

  it.each([replaced, gone, forbidden])('that $how while it is sent arrives as it was, everywhere', async each => {
    const { outcome, upload } = await uploadWhile(isPart, () => each.change(large))
    expect(outcome).toMatchObject({ exitCode: 0 })
    const sizes = await place.bucket.sizes(trial.prefix)
    for (const key of ['one/large.bin', 'two/large.bin']) expect(sizes.get(key)).toBe(largeSize)
    if (each !== forbidden) await expectNextRunWhole(upload)
  })
})

describe.each([
  { kind: 'several parts', path: () => large },
  { kind: 'one part', path: () => small },
])('a file of $kind, before it is opened,', ({ path }) => {
  it.each([grown, truncated, writtenOver, replaced, gone])('that $how is published nowhere', async ({ change }) => {
    const { outcome, upload } = await uploadWhile(atOnce, () => change(path()))
    expect(outcome).toMatchObject({ exitCode: 8 })
    await expectRefused(outcome, { path: path(), code: 'SOURCE_CHANGED' })
    await expectNextRunWhole(upload)
  })

  it('that may not be read is named, and published nowhere', async () => {
    const { outcome, upload } = await uploadWhile(atOnce, () => forbidden.change(path()))
    expect(outcome).toMatchObject({ exitCode: 8 })
    await expectRefused(outcome, { path: path(), code: 'CACHE_UNREADABLE' })
    expect(outcome.json()).toMatchObject({ next: expect.stringContaining('chmod') })
    chmodSync(path(), 0o644)
    await expectNextRunWhole(upload)
  })
})

it('a file that could not be read from the beginning is named; nothing is complete without it', async () => {
  const [path] = Object.keys(place.contents).filter(each => each.includes('blobs/'))
  const blob = join(cache, path ?? '')
  chmodSync(blob, 0)
  const upload = () => trial.run(['upload', cache, trial.url, '--json'], { program: boundByPermissions })
  const outcome = await upload()
  expect(outcome).toMatchObject({ exitCode: 8 })
  await expectRefused(outcome, { path: blob, code: 'CACHE_UNREADABLE' })
  chmodSync(blob, 0o644)
  expect(await upload()).toMatchObject({ exitCode: 0 })
  await trial.expectWhole()
})
