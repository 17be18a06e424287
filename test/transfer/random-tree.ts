import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'

import { makeHubCache, type HubModel } from '../hub-cache.ts'
import type { Seeded } from '../seeded.ts'
import type { MemoryStore } from './memory-store.ts'

/** Few, so that the same content comes under several names; some of one size, two that need several parts. */
export function randomContents(random: Seeded): Buffer[] {
  const sizes = [0, 1, 10, 10, 10, 500, 500, 1.5 * 2 ** 20, 2.5 * 2 ** 20]
  return sizes.map(size => random.bytes(size))
}

const names = ['a', 'b', 'config.json', 'sp ace', 'ünï', '%3A', 'emoji-😀', 'deep/er/x', 'deep/y', 'plus+&=?#']

/** A hub cache, and files, links and empty folders beside it. */
export async function makeRandomTree(root: string, contents: readonly Buffer[], random: Seeded): Promise<void> {
  const models = Array.from({ length: 1 + random.below(3) }, (_, index): HubModel => ({
    repository: random.pick(['nim/meta/one', 'nim/meta/two']),
    version: `v${index}`,
    files: Object.fromEntries(some(names, random).map(name => [name, random.pick(contents)])),
  }))
  // A blob at least, for links to lead to.
  const [model] = models
  if (model !== undefined) model.files['LICENSE.txt'] = 'licence'
  await makeHubCache(root, { models })
  for (const name of some(names, random)) await change(root, name, { contents, random })
}

/** Adds, replaces or removes some files. */
export async function changeTree(root: string, contents: readonly Buffer[], random: Seeded): Promise<void> {
  for (const name of some(names, random)) await change(root, name, { contents, random })
  const hub = join(root, 'ngc/hub')
  const snapshots = (await readdir(hub, { recursive: true })).filter(path => /snapshots\/[^/]+\/[^/]+$/.test(path))
  if (snapshots.length > 1) await rm(join(hub, random.pick(snapshots)), { recursive: true })
}

async function change(
  root: string,
  name: string,
  { contents, random }: { contents: readonly Buffer[]; random: Seeded },
) {
  const path = join(root, 'beside', name)
  await rm(path, { recursive: true, force: true })
  await mkdir(dirname(path), { recursive: true })
  const what = random.below(10)
  if (what < 6) await writeFile(path, random.pick(contents))
  else if (what < 8) await symlink(relative(dirname(path), join(root, await anyBlob(root, random))), path)
  else if (what < 9) await mkdir(path)
}

async function anyBlob(root: string, random: Seeded): Promise<string> {
  const paths = await readdir(root, { recursive: true })
  return random.pick(paths.filter(path => /blobs\/[^/]+$/.test(path)).toSorted())
}

/** Objects that something else put there, or took away: under keys that are wanted, and under others. */
export function disturb(store: MemoryStore, wanted: readonly string[], { contents, random }: Disturbance): void {
  for (const key of some(wanted, random)) {
    if (random.below(3) === 0) store.objects.delete(key)
    else store.place(key, random.pick(contents))
  }
  for (const key of some(['extra', 'ngc/extra', 'beside/extra', 'zzz/😀'], random))
    store.place(key, random.pick(contents))
}

interface Disturbance {
  contents: readonly Buffer[]
  random: Seeded
}

function some<T>(items: readonly T[], random: Seeded): T[] {
  return random.shuffle(items).slice(0, random.below(items.length + 1))
}
