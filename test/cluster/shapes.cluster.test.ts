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
import { askNim, leading, led, listModelFiles, offerGpus, servingOffline } from './serving.ts'
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

interface Loading {
  /** Of the Job's pods. */
  selector: string
  volume: string
  model: Model
}

/**
 * Ends the loader once bytes lie in the volume and more are to come, without a chance to tidy up.
 *
 * @returns how many files it had not brought yet.
 */
async function killLoader({ selector, volume, model }: Loading): Promise<number> {
  await vi.waitFor(() => readFile(join(volume, '.nimctl/incomplete/parts.jsonl')), { timeout: 60_000, interval: 5 })
  store.freeze()
  const before = await listModelFiles(volume)
  await place.kubectl(['delete', 'pod', '-l', selector, '--grace-period=0', '--force'])
  store.goOn()
  return (await listModelFiles(cacheOf(model))).length - before.length
}

const isComplete = (job: string) => place.kubectl(['wait', '--for=condition=Complete', '--timeout=150s', `job/${job}`])

async function serve(service: NimServiceObject, cache?: NimCacheObject): Promise<typeof servingOffline> {
  await apply(place.kubectl, deploymentOf(led(service, ngc), cache))
  await apply(place.kubectl, serviceOf(service))
  return await askNim(service.metadata.name, place)
}

it('shape E: a NIMCache that fills itself, killed half-way, to a NIM that serves and asks nobody', async () => {
  const stack = await emitStack(llama, small)
  const cache: NimCacheObject = ofKind(stack, 'NIMCache')
  const volume = await place.makeVolume('llama-pvc')
  for (const object of [ofKind(stack, 'ConfigMap'), claimOf(cache), jobOf(cache)]) await apply(place.kubectl, object)
  expect(await killLoader({ selector: 'app=llama', volume, model: llama })).toBeGreaterThan(0)
  await isComplete('llama-job')
  expect(await listModelFiles(volume)).toEqual(await listModelFiles(cacheOf(llama)))
  expect(await serve(ofKind(stack, 'NIMService'), cache)).toEqual(servingOffline)
  expect(await ngc.requests()).toEqual([])
})

it('shape A: a Job that fills a claim, killed half-way, to a NIM that serves and asks nobody', async () => {
  const stack = await emitStack(nemotron, ['--loader', 'job', ...small])
  const volume = await place.makeVolume('nemotron-model-store')
  await apply(place.kubectl, ofKind(stack, 'PersistentVolumeClaim'))
  await apply(place.kubectl, ofKind(stack, 'Job'))
  const selector = 'app.kubernetes.io/instance=nemotron-loader'
  expect(await killLoader({ selector, volume, model: nemotron })).toBeGreaterThan(0)
  await isComplete('nemotron-loader')
  expect(await listModelFiles(volume)).toEqual(await listModelFiles(cacheOf(nemotron)))
  expect(await serve(ofKind(stack, 'NIMService'))).toEqual(servingOffline)
  expect(await ngc.requests()).toEqual([])
})

it('shape B: a NIM that fetches its files before it starts, serves, and asks nobody', async () => {
  const stack = await emitStack(magpie, ['--loader', 'init'])
  expect(await serve(ofKind(stack, 'NIMService'))).toEqual(servingOffline)
  expect(await ngc.requests()).toEqual([])
})

it('without the operator: a Deployment that fetches its files, serves, and asks nobody', async () => {
  const slight = ['--cpu', '100m', '--mem', '256Mi', '--shm-size', '64Mi', '--image-registry', 'registry.internal']
  const env = leading(ngc).flatMap(({ name, value }) => ['--env', `${name}=${value}`])
  const pod = await emit(['pod', 'plain', '--cache', urlOf(llamaEngine), '--new-claim', ...small, ...slight, ...env])
  await place.makeVolume('plain-cache')
  await place.kubectl(['apply', '-f', '-'], JSON.stringify(pod))
  expect(await askNim('plain', place)).toEqual(servingOffline)
  expect(await ngc.requests()).toEqual([])
})

it('fills one volume with four models at a time', async () => {
  const caches = models.flatMap(model => ['--cache', `${model.name}=${urlOf(model)}`])
  const fleet = await emit(['loader', 'fleet', ...caches, ...small, '--cpu', '100m'])
  const volume = await place.makeVolume('fleet')
  await apply(place.kubectl, ofKind(fleet, 'PersistentVolumeClaim'))
  await apply(place.kubectl, ofKind(fleet, 'Job'))
  await isComplete('fleet')
  for (const model of models)
    expect(await listModelFiles(join(volume, model.name))).toEqual(await listModelFiles(cacheOf(model)))
  // What a NIMBuild left in the cache has come along.
  expect(await readFile(join(volume, llamaEngine.name, builtEngine), 'utf8')).toBe('built')
})
