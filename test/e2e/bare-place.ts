import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { makeHubCache } from '../hub-cache.ts'
import { nimctl, succeeded, type Outcome, type RunOptions } from './nimctl.ts'

/** A directory with a cache, uploaded to a store beside it; no server, and no engine at DOCKER_HOST. */
export interface BarePlace {
  /** Of the store. */
  url: string
  path(name: string): string
  run(args: readonly string[], options?: RunOptions): Promise<Outcome>
  remove(): Promise<void>
}

export async function openBarePlace(): Promise<BarePlace> {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-errors-'))
  const path = (name: string) => join(directory, name)
  const url = pathToFileURL(path('store')).href
  const run = (args: readonly string[], options: RunOptions = {}) => {
    const env = {
      HOME: directory,
      NIMCTL_STATE_DIR: path('state'),
      NIMCTL_RETRIES: '0',
      DOCKER_HOST: `unix://${path('no.sock')}`,
      AWS_EC2_METADATA_DISABLED: 'true',
      ...options.env,
    }
    return nimctl(args, { cwd: join(import.meta.dirname, '../..'), ...options, env })
  }
  await makeHubCache(path('cache'))
  succeeded(await run(['upload', path('cache'), url]))
  return { url, path, run, remove: () => rm(directory, { recursive: true, force: true }) }
}
