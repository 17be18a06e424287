import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { readContents, readTree } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import type { Seeded } from '../seeded.ts'
import { makeSeededCache } from './seeded-cache.ts'
import type { CampaignStore, View } from './stores/campaign-store.ts'
import type { Watcher } from './watcher.ts'

/** What all kills of a campaign at one store share. */
export interface Place {
  cache: string
  layout: 'cache' | 'tar'
  tellsContent: boolean
  mostBegun: number | undefined
  /** SHA-256 by path of what a reader finds in the cache. */
  contents: Record<string, string>
  /** The cache's entries as `readTree` gives them. */
  tree: Record<string, string>
  url: (prefix: string) => string
  /** For every command with a URL. */
  flags: readonly string[]
  view: View
  watcher: Watcher
  /** Of nimctl: its state lies in `state(name)`. */
  env: (name: string) => Record<string, string>
  state(name: string): string
  path: (name: string) => string
  close(): Promise<void>
}

/** @param smallFiles of one version of the cache. */
export async function openPlace(store: CampaignStore, random: Seeded, smallFiles?: number): Promise<Place> {
  const work = await temporaryDirectory()
  const cache = join(work, 'cache')
  await makeSeededCache(cache, random, { smallFiles })
  await mkdir(join(work, 'home'))
  const running = await store.start()
  const state = (name: string) => join(work, `state-${name}`)
  return {
    cache,
    layout: store.layout ?? 'cache',
    tellsContent: store.tellsContent,
    mostBegun: store.mostBegun,
    contents: await readContents(cache),
    tree: await readTree(cache),
    url: running.url,
    flags: running.flags ?? [],
    view: running.view,
    watcher: running.watcher,
    state,
    env: name => ({ ...running.env, HOME: join(work, 'home'), NIMCTL_STATE_DIR: state(name) }),
    path: name => join(work, name),
    async close() {
      await running.stop()
      await rm(work, { recursive: true, force: true })
    },
  }
}
