import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { readCacheRecord } from '../../src/cache/record.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import type { Layout, Links } from '../../src/inventory/inventory.ts'
import { silent } from '../../src/system/progress.ts'
import { prepareUpload, type PreparedUpload } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource } from '../../src/transfer/source.ts'
import { upload } from '../../src/transfer/upload.ts'
import { listWanted } from '../../src/transfer/wanted.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'
import { openMemoryStore, type MemoryStore } from './memory-store.ts'
import { changeTree, disturb, makeRandomTree, randomContents } from './random-tree.ts'

const { signal } = new AbortController()
const first = Number(process.env.NIMCTL_TEST_SEED ?? newSeed())
const seeds = Array.from({ length: Number(process.env.NIMCTL_TEST_CASES ?? 25) }, (_, index) => first + index)

interface Policy {
  layout: Layout
  links: Links
  delete: boolean
}

interface Case {
  root: string
  store: MemoryStore
  stateDirectory: string
}

/** One case again: NIMCTL_TEST_SEED=<its seed> NIMCTL_TEST_CASES=1 */
describe('for a random tree, store and policy', () => {
  it.each(seeds)('an upload makes the store hold the tree, and a second one does nothing (seed %i)', async seed => {
    const random = seeded(seed)
    const work = await temporaryDirectory()
    const checksums = random.below(3) > 0
    const contents = randomContents(random)
    const it: Case = {
      root: join(work, 'cache'),
      stateDirectory: join(work, 'state'),
      store: openMemoryStore(
        {
          serverCopy: random.below(4) > 0,
          parallelParts: random.below(4) > 0,
          ...(!checksums && { statProof: 'size' as const, listingProof: 'size' as const }),
        },
        1 + random.below(9),
      ),
    }
    const policy = (): Policy => ({
      layout: random.pick(['cache', 'plain']),
      links: random.pick<Links>([...(it.store.capabilities.serverCopy ? ['copy' as const] : []), 'follow', 'record']),
      delete: random.below(2) === 0,
    })
    try {
      await makeRandomTree(it.root, contents, random)
      const former = random.below(2) === 0
      if (former) {
        await run(it, policy())
        await changeTree(it.root, contents, random)
      }
      const chosen = { ...policy(), ...(random.below(4) === 0 && !former && { layout: 'ngc' as const }) }
      // What changes behind a run's back can be seen only where the store has checksums.
      if (checksums || !former) disturb(it.store, await keysOf(it, chosen), { contents, random })

      const before = new Map(it.store.objects)
      await run(it, chosen)
      await expectTree(it, chosen, before)
      expect(await stepsOf(it, chosen)).toEqual([])
      // As from another machine, where the store alone can tell.
      if (checksums) await rm(it.stateDirectory, { recursive: true })
      expect(await stepsOf(it, chosen)).toEqual([])
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  })
})

async function prepare({ root, store, stateDirectory }: Case, policy: Policy): Promise<PreparedUpload> {
  const source = await openDirectorySource(await scanCacheTree(root), stateDirectory)
  const record = await readCacheRecord(root)
  const request = { source, record, store, stateDirectory, tool: 'nimctl/test', signal, replace: true }
  return await prepareUpload({ ...request, ...policy })
}

async function run(it: Case, policy: Policy): Promise<void> {
  const prepared = await prepare(it, policy)
  const source = await openDirectorySource(prepared.tree, it.stateDirectory)
  await upload(source, [prepared], { memory: 2 ** 23, partSize: 2 ** 20, signal, report: silent })
}

async function keysOf({ root }: Case, policy: Policy): Promise<string[]> {
  return listWanted(await scanCacheTree(root), policy).map(({ key }) => key)
}

async function expectTree({ root, store }: Case, policy: Policy, before: MemoryStore['objects']): Promise<void> {
  const wanted = listWanted(await scanCacheTree(root), policy)
  const wrong: string[] = []
  for (const { key, source } of wanted) {
    if (store.objects.get(key)?.bytes.equals(await readFile(join(root, source.path))) !== true) wrong.push(key)
  }
  expect(wrong).toEqual([])
  const keys = new Set(wanted.map(({ key }) => key))
  const others = (objects: MemoryStore['objects']) =>
    [...objects.keys()].filter(key => !keys.has(key) && !key.startsWith('.nimctl/')).toSorted()
  // In a bucket that images share, what no inventory of ours names is somebody else's.
  expect(others(store.objects)).toEqual(policy.delete && policy.layout !== 'ngc' ? [] : others(before))
}

async function stepsOf(it: Case, policy: Policy): Promise<string[]> {
  const { plan, journal } = await prepare(it, policy)
  await journal.close()
  return plan.steps
    .filter(({ action }) => action !== 'skip')
    .map(({ action, key, reason }) => `${action} ${key} ${reason}`)
}
