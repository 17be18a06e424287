import { join } from 'node:path'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { makeHubCache } from '../hub-cache.ts'
import type { Running } from './running.ts'
import type { Shell } from './shell.ts'

const profile = findProfile(standIns.llm1, 'tensorrt_llm-l40s-bf16-tp1-throughput')

/** All of the demo's commands. @param work a directory for the cache, and for what comes back. */
export async function runFlow(shell: Shell, running: Running, work: string): Promise<void> {
  const cache = join(work, 'cache')
  await mirrorImage(shell, running)
  await bringCache(shell, running, cache)
  await uploadAndProve(shell, { cache, store: running.store, back: join(work, 'model-store') })
  await emitObjects(shell, running.store)
}

async function mirrorImage(shell: Shell, { image, engine, registry, skopeo }: Running): Promise<void> {
  shell.heading('Mirror the image into the internal registry')
  if (engine === undefined || registry === undefined || !skopeo) {
    return shell.leaveOut('it needs the Docker Engine, skopeo and a registry.')
  }
  const mirror = ['mirror', `docker-daemon:${image}`, '--to', registry, '--no-dest-tls-verify']
  await shell.nimctl(mirror)
}

/** Fills the cache by the image's own container; where there is no engine, with a small one that was made beforehand. */
async function bringCache(shell: Shell, { image, engine }: Running, directory: string): Promise<void> {
  shell.heading('Choose a profile, and fill a cache with it')
  if (engine === undefined) {
    shell.leaveOut('it needs the Docker Engine. A small cache that is made without one takes its place.')
    return await makeHubCache(directory)
  }
  await shell.nimctl(['profiles', image, '--gpu', 'L40S', '--tp', '1'])
  // The stand-in for NGC listens on this machine, so the container shares its network and is told the address.
  const standIn = ['NGC_API_ENDPOINT', 'NGC_AUTH_ENDPOINT', 'NGC_API_SCHEME'].flatMap(name => ['--env', name])
  const choice = ['--profile', profile.id.slice(0, 12)]
  await shell.nimctl(['cache', image, directory, ...choice, '--network', 'host', ...standIn, '--quiet'])
  await shell.nimctl(['validate', 'cache', directory, '--against', image, '--deep'])
}

async function uploadAndProve(
  shell: Shell,
  { cache, store, back }: { cache: string; store: string; back: string },
): Promise<void> {
  shell.heading('Upload it, each byte once')
  await shell.nimctl(['upload', cache, store])
  shell.heading('Again: nothing is sent')
  const digest = inventoryDigestOf(await shell.nimctl(['upload', cache, store]))
  shell.heading('On the other side: is it complete?')
  await shell.nimctl(['list', store])
  await shell.nimctl(['validate', 'store', store, '--inventory-digest', digest])
  await shell.nimctl(['download', store, back, '--inventory-digest', digest])
}

async function emitObjects(shell: Shell, store: string): Promise<void> {
  shell.heading('Write the objects for the NIM Operator')
  const registry = [
    '--image-registry',
    'registry.internal:5000',
    '--loader-image',
    'registry.internal:5000/tools/nimctl:0.1.0',
  ]
  // No pod sees a directory of this machine: the cluster would read a copy of it, whose address is given.
  const address = store.startsWith('file:') ? ['--store-url', 's3://models/llama', '--region', 'us-east-1'] : []
  await shell.nimctl(['emit', 'stack', 'llama', '--cache', store, ...address, ...registry])
}

function inventoryDigestOf(shown: string): string {
  const digest = /^Inventory: (sha256:[0-9a-f]{64})$/m.exec(shown)?.[1]
  if (digest === undefined) throw new Error('nimctl upload showed no inventory digest.')
  return digest
}
