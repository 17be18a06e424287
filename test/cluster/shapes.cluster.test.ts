import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest'

import { succeeded } from '../e2e/nimctl.ts'
import {
  claimOf,
  deploymentOf,
  jobOf,
  type NimCacheObject,
  type NimServiceObject,
  ofKind,
  serviceOf,
} from './as-operator.ts'
import { llama } from './models.ts'
import { ownImage, workOutside } from './outside.ts'
import { startStoreInNetwork, type StoreInNetwork } from './store-in-network.ts'
import { apply, type NgcInNetwork, openWorkplace, startNgcInNetwork } from './workplace.ts'

const place = await openWorkplace()
const { inNetwork } = inject('clusterNode')
const url = 's3://models/llama'

let ngc: NgcInNetwork
let store: StoreInNetwork
let cache: string
beforeAll(async () => {
  const [cacheOf, ...servers] = await Promise.all([workOutside(), startNgcInNetwork(), startStoreInNetwork()])
  ;[ngc, store] = servers
  cache = cacheOf(llama)
  succeeded(await place.plain(['upload', cache, url], store.env))
  const lines = Object.entries(store.secret).map(([name, value]) => `--from-literal=${name}=${value}`)
  await place.kubectl(['create', 'secret', 'generic', 'llama-store', ...lines])
})
afterAll(async () => {
  await Promise.all([ngc.stop(), store.stop()])
})

const flags = ['--image-registry', 'registry.internal', '--loader-image', ownImage, '-o', 'json']
const small = ['--size', '1Gi', '--storage-class', 'local', '--access-mode', 'ReadWriteOnce']

it('shape E: a NIMCache that fills itself, killed half-way, to a NIM that serves and asks nobody', async () => {
  const args = ['emit', 'stack', 'llama', '--cache', url, '--profile', llama.profiles[0].id, ...flags, ...small]
  const emitted = JSON.parse(succeeded(await place.plain(args, store.env)).stdout)
  const nimCache: NimCacheObject = ofKind(emitted, 'NIMCache')
  const service: NimServiceObject = ofKind(emitted, 'NIMService')
  await apply(place.kubectl, ofKind(emitted, 'ConfigMap'))

  const target = await place.makeVolume('llama-pvc')
  await apply(place.kubectl, claimOf(nimCache) ?? {})
  await apply(place.kubectl, jobOf(nimCache))
  await killLoader(target)
  await place.kubectl(['wait', '--for=condition=Complete', '--timeout=120s', 'job/llama-job'])
  expect(await listFiles(target)).toEqual(await listFiles(cache))

  const asked = await ngc.requests()
  await offerGpus()
  await apply(place.kubectl, deploymentOf(led(service), nimCache))
  await apply(place.kubectl, serviceOf(service))
  await answersReady('llama')
  expect(await ngc.requests()).toEqual(asked)
  expect((await place.kubectl(['exec', 'deploy/llama', '--', 'sh', '-c', 'echo "[$NGC_API_KEY]"'])).trim()).toBe('[]')
})

/** Once bytes lie in the volume and more are to come, without a chance to tidy up. */
async function killLoader(target: string): Promise<void> {
  const parts = join(target, '.nimctl/incomplete/parts.jsonl')
  await vi.waitFor(() => readFile(parts), { timeout: 60_000, interval: 5 })
  store.freeze()
  const before = await listFiles(target)
  await place.kubectl(['delete', 'pod', '-l', 'app=llama', '--grace-period=0', '--force'])
  store.goOn()
  expect(before.length).toBeLessThan((await listFiles(cache)).length)
}

/** Were it to ask, it would ask the stand-in: the operator's own words lead nowhere in this network. */
function led(service: NimServiceObject): NimServiceObject {
  const endpoint = new URL(ngc.url).host
  const names = { NGC_API_ENDPOINT: endpoint, NGC_AUTH_ENDPOINT: endpoint, NGC_API_SCHEME: 'http' }
  const env = Object.entries(names).map(([name, value]) => ({ name, value }))
  return { ...service, spec: { ...service.spec, env: [...(service.spec.env ?? []), ...env] } }
}

async function offerGpus(): Promise<void> {
  const capacity = { 'nvidia.com/gpu': '8' }
  const patch = JSON.stringify({ status: { capacity, allocatable: capacity } })
  const [node = ''] = (await place.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ')
  await place.kubectl(['patch', 'node', node, '--subresource=status', '--type=merge', '-p', patch])
}

/** Through the Service, as a client in the cluster asks. */
async function answersReady(name: string): Promise<void> {
  await place.kubectl(['rollout', 'status', `deploy/${name}`, '--timeout=120s'])
  const address = await place.kubectl([
    'get',
    'service',
    name,
    '-o',
    'jsonpath={.spec.clusterIP}:{.spec.ports[0].port}',
  ])
  expect(await curl(`http://${address}/v1/health/ready`)).toContain('Service is ready.')
  expect(JSON.parse(await curl(`http://${address}/v1/models`))).toMatchObject({ data: [{ owned_by: 'stand-in' }] })
  expect(await place.kubectl(['logs', `deploy/${name}`])).not.toContain('fetching filemap')
}

async function curl(address: string): Promise<string> {
  const [command = '', ...args] = [...inNetwork, 'curl', '-sSf', '--max-time', '10', address]
  return (await promisify(execFile)(command, args)).stdout
}

/** All but what is nimctl's own. */
async function listFiles(directory: string): Promise<string[]> {
  const names = await readdir(directory, { recursive: true })
  return names.filter(name => !name.startsWith('.nimctl')).toSorted()
}
