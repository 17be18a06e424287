import { rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'

import { expect } from 'vitest'

import { openBucket, type Bucket } from '../campaign/bucket.ts'
import { nimctl, type Outcome, type RunOptions } from '../e2e/nimctl.ts'
import { readContents } from '../e2e/trees.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { type FaultProxy, startFaultProxy } from '../stores/fault-proxy.ts'

/** A cache on disk and a bucket of a real server to which it is carried, past a proxy that hurts. */
export interface FaultPlace {
  /** A directory for the test's own files. */
  work: string
  cache: string
  /** Hash by path. */
  contents: Record<string, string>
  bucket: Bucket
  begin(): Promise<Trial>
  close(): Promise<void>
}

/** A prefix of its own, and a proxy. */
export interface Trial {
  proxy: FaultProxy
  prefix: string
  url: string
  stateDirectory: string
  /** What nimctl needs to come past the proxy. */
  env(more?: Record<string, string>): Record<string, string>
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  uploadArguments(...more: string[]): string[]
  /** The bucket holds the cache, an inventory, and nothing half done. */
  expectWhole(): Promise<void>
  stop(): void
}

let trials = 0

export async function openFaultPlace(
  s3Env: Record<string, string>,
  { makeCache }: { makeCache: (root: string) => Promise<void> },
): Promise<FaultPlace> {
  const work = await temporaryDirectory()
  const cache = join(work, 'cache')
  await makeCache(cache)
  const contents = await readContents(cache)
  const bucket = openBucket(s3Env, 'models')
  return {
    work,
    cache,
    contents,
    bucket,
    async begin() {
      const name = `faults-${process.pid}-${trials++}`
      const [prefix, stateDirectory] = [`${name}/`, join(work, `state-${name}`)]
      const url = `s3://models/${prefix}`
      const proxy = await startFaultProxy(s3Env.AWS_ENDPOINT_URL ?? '')
      const env = (more: Record<string, string> = {}) => ({
        ...s3Env,
        AWS_ENDPOINT_URL: proxy.endpoint,
        AWS_EC2_METADATA_DISABLED: 'true',
        HOME: work,
        NIMCTL_STATE_DIR: stateDirectory,
        ...more,
      })
      return {
        proxy,
        prefix,
        url,
        stateDirectory,
        env,
        run: (args, options = {}) => nimctl(args, { ...options, env: env(options.env) }),
        uploadArguments: (...more) => ['upload', cache, url, '--part-size', '5Mi', '--json', ...more],
        async expectWhole() {
          const { '.nimctl/inventory.jsonl': inventory, ...found } = await bucket.hashes(prefix)
          expect(inventory).toBeDefined()
          expect(found).toEqual(contents)
          expect(await bucket.openUploads(prefix)).toEqual([])
        },
        stop: () => proxy.stop(),
      }
    },
    async close() {
      bucket.close()
      await rm(work, { recursive: true, force: true })
    },
  }
}

export const isPart = ({ method, url = '' }: IncomingMessage) => method === 'PUT' && url.includes('partNumber=')

/** A small file, or the inventory. */
export const isPut = ({ method, url = '', headers }: IncomingMessage) =>
  method === 'PUT' && !url.includes('uploadId=') && headers['x-amz-copy-source'] === undefined

/** Of `FaultProxy.seen`: the parts that came. */
export const partsIn = (seen: readonly string[]) => seen.filter(line => line.includes('partNumber='))
