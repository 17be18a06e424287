import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { readContents, readTree } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import type { Seeded } from '../seeded.ts'
import { openBucket, type Bucket } from './bucket.ts'
import { makeSeededCache } from './seeded-cache.ts'
import { startWatchingProxy, type WatchingProxy } from './watching-proxy.ts'

/** What all kills of a campaign share. */
export interface Place {
  cache: string
  /** SHA-256 by key of what has to lie in the store in the end, without the inventory. */
  contents: Record<string, string>
  /** The cache's entries as `readTree` gives them. */
  tree: Record<string, string>
  bucketName: string
  bucket: Bucket
  proxy: WatchingProxy
  /** Of nimctl: its state lies in `state(name)`. */
  env(name: string): Record<string, string>
  state(name: string): string
  path(name: string): string
  close(): Promise<void>
}

/** @param s3Env of a client of the server. */
export async function openPlace(s3Env: Record<string, string>, random: Seeded): Promise<Place> {
  const work = await temporaryDirectory()
  const cache = join(work, 'cache')
  await makeSeededCache(cache, random)
  await mkdir(join(work, 'home'))
  const bucketName = 'models'
  const bucket = openBucket(s3Env, bucketName)
  const proxy = await startWatchingProxy(s3Env.AWS_ENDPOINT_URL ?? '')
  const state = (name: string) => join(work, `state-${name}`)
  return {
    cache,
    contents: await readContents(cache),
    tree: await readTree(cache),
    bucketName,
    bucket,
    proxy,
    state,
    env: name => ({
      ...s3Env,
      AWS_ENDPOINT_URL: proxy.endpoint,
      AWS_EC2_METADATA_DISABLED: 'true',
      HOME: join(work, 'home'),
      NIMCTL_STATE_DIR: state(name),
    }),
    path: name => join(work, name),
    async close() {
      proxy.stop()
      bucket.close()
      await rm(work, { recursive: true, force: true })
    },
  }
}
