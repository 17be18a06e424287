import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it, vi } from 'vitest'

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
import { builtEngine, llama, llamaEngine, magpie, type Model, models, nemotron } from './models.ts'
import { ownImage, workOutside } from './outside.ts'
import { leading, led, listModelFiles, offerGpus, servesOffline } from './serving.ts'
import { startStoreInNetwork, type StoreInNetwork } from './store-in-network.ts'
import { apply, type NgcInNetwork, openWorkplace, startNgcInNetwork } from './workplace.ts'

const place = await openWorkplace()

let cacheOf: (model: Model) => string
let ngc: NgcInNetwork
let store: StoreInNetwork
beforeAll(async () => {
  ;[cacheOf, ngc, store] = await Promise.all([workOutside(), startNgcInNetwork(), startStoreInNetwork()])
  for (const model of models) succeeded(await place.plain(['upload', cacheOf(model), urlOf(model)], store.env))
  const lines = Object.entries(store.secret).map(([name, value]) => `--from-literal=${name}=${value}`)
  await place.kubectl(['create', 'secret', 'generic', 'store', ...lines])
  await offerGpus(place)
})
afterAll(async () => {
  expect(await ngc.requests()).toEqual([])
  await Promise.all([ngc.stop(), store.stop()])
})

const urlOf = ({ name }: Model) => `s3://models/${name}`
const small = ['--size', '1Gi', '--storage-class', 'local', '--access-mode', 'ReadWriteOnce']

async function emit(args: readonly string[]): Promise<unknown> {
  const all = ['emit', ...args, '--loader-image', ownImage, '--store-secret', 'store', '-o', 'json']
  return JSON.parse(succeeded(await place.plain(all, store.env)).stdout)
}

async function emitStack(model: Model, flags: readonly string[]): Promise<unknown> {
  const which = ['--cache', urlOf(model), '--profile', model.profiles[0].id, '--image-registry', 'registry.internal']
  return await emit(['stack', model.name, ...which, ...flags])
}

/** Once bytes lie in the volume and more are to come, without a chance to tidy up. */
async function killLoader(selector: string, { volume, model }: { volume: string; model: Model }): Promise<void> {
  await vi.waitFor(() => readFile(join(volume, '.nimctl/incomplete/parts.jsonl')), { timeout: 60_000, interval: 5 })
  store.freeze()
  const before = await listModelFiles(volume)
  await place.kubectl(['delete', 'pod', '-l', selector, '--grace-period=0', '--force'])
  store.goOn()
  expect(before.length).toBeLessThan((await listModelFiles(cacheOf(model))).length)
}

async function isFilled(job: string, { volume, model }: { volume: string; model: Model }): Promise<void> {
  await place.kubectl(['wait', '--for=condition=Complete', '--timeout=150s', `job/${job}`])
  expect(await listModelFiles(volume)).toEqual(await listModelFiles(cacheOf(model)))
}

async function serve(service: NimServiceObject, cache?: NimCacheObject): Promise<void> {
  await apply(place.kubectl, deploymentOf(led(service, ngc), cache))
  await apply(place.kubectl, serviceOf(service))
  await servesOffline(service.metadata.name, place)
}

it('shape E: a NIMCache that fills itself, killed half-way, to a NIM that serves and asks nobody', async () => {
  const stack = await emitStack(llama, small)
  const cache: NimCacheObject = ofKind(stack, 'NIMCache')
  const volume = await place.makeVolume('llama-pvc')
  for (const object of [ofKind(stack, 'ConfigMap'), claimOf(cache), jobOf(cache)]) await apply(place.kubectl, object)
  await killLoader('app=llama', { volume, model: llama })
  await isFilled('llama-job', { volume, model: llama })
  await serve(ofKind(stack, 'NIMService'), cache)
})

it('shape A: a Job that fills a claim, killed half-way, to a NIM that serves and asks nobody', async () => {
  const stack = await emitStack(nemotron, ['--loader', 'job', ...small])
  const volume = await place.makeVolume('nemotron-model-store')
  await apply(place.kubectl, ofKind(stack, 'PersistentVolumeClaim'))
  await apply(place.kubectl, ofKind(stack, 'Job'))
  await killLoader('app.kubernetes.io/instance=nemotron-loader', { volume, model: nemotron })
  await isFilled('nemotron-loader', { volume, model: nemotron })
  await serve(ofKind(stack, 'NIMService'))
})

it('shape B: a NIM that fetches its files before it starts, serves, and asks nobody', async () => {
  const stack = await emitStack(magpie, ['--loader', 'init'])
  await serve(ofKind(stack, 'NIMService'))
})

it('without the operator: a Deployment that fetches its files, serves, and asks nobody', async () => {
  const slight = ['--cpu', '100m', '--mem', '256Mi', '--shm-size', '64Mi', '--image-registry', 'registry.internal']
  const env = leading(ngc).flatMap(({ name, value }) => ['--env', `${name}=${value}`])
  const pod = await emit(['pod', 'plain', '--cache', urlOf(llamaEngine), '--new-claim', ...small, ...slight, ...env])
  await place.makeVolume('plain-cache')
  await place.kubectl(['apply', '-f', '-'], JSON.stringify(pod))
  await servesOffline('plain', place)
})

it('fills one volume with four models at a time', async () => {
  const caches = models.flatMap(model => ['--cache', `${model.name}=${urlOf(model)}`])
  const fleet = await emit(['loader', 'fleet', ...caches, ...small, '--cpu', '100m'])
  const volume = await place.makeVolume('fleet')
  await apply(place.kubectl, ofKind(fleet, 'PersistentVolumeClaim'))
  await apply(place.kubectl, ofKind(fleet, 'Job'))
  await place.kubectl(['wait', '--for=condition=Complete', '--timeout=150s', 'job/fleet'])
  for (const model of models)
    expect(await listModelFiles(join(volume, model.name))).toEqual(await listModelFiles(cacheOf(model)))
  // What a NIMBuild left in the cache has come along.
  expect(await readFile(join(volume, llamaEngine.name, builtEngine), 'utf8')).toBe('built')
})
