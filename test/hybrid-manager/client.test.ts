import { afterEach, expect, it } from 'vitest'

import { startHybridManager, type StandInHybridManager } from '../../fixtures/stand-in/hybrid-manager.ts'
import { openHybridManager } from '../../src/hybrid-manager/client.ts'
import { setModelImage } from '../../src/hybrid-manager/set-image.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { secret } from '../../src/system/secret.ts'

const key = 'access-key-of-a-test'
const copy = 'registry.internal:5000/nim/nvidia/nvclip:latest'

const started: StandInHybridManager[] = []
afterEach(async () => {
  for (const server of started.splice(0)) await server.stop()
})

type Options = Parameters<typeof startHybridManager>[0]

async function open({ accessKey = key, ...options }: NonNullable<Options> = {}, { maxRetries = 0, path = '' } = {}) {
  const server = await startHybridManager({ accessKey, ...options })
  started.push(server)
  const controller = new AbortController()
  const shown: unknown[] = []
  const api = await openHybridManager(new URL(`${server.url}/${path}`), {
    key: secret(key),
    connections: {},
    retry: { maxRetries, firstWaitMs: 1, longestWaitMs: 1 },
    signal: controller.signal,
    report: event => shown.push(event),
  })
  return { server, api, controller, shown }
}

async function errorOf(work: Promise<unknown>): Promise<NimctlError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof NimctlError) return error
  throw new Error('No NimctlError was thrown.', { cause: error })
}

it('lists the models', async () => {
  const { api, server } = await open()
  const { models, complete } = await api.listModels()
  expect(complete).toBe(true)
  expect(models).toHaveLength(5)
  expect(models).toContainEqual({ id: 'c4b8', name: 'nvclip', image: 'nvcr.io/nim/nvidia/nvclip:latest' })
  expect(server.requests).toMatchObject([{ method: 'GET', path: '/api/v1/ai-models' }])
})

it.each([
  ['another key', { accessKey: 'another' }, undefined, 'auth', 'HM_AUTH'],
  ['403', {}, { type: 'status', status: 403 }, 'auth', 'HM_AUTH'],
  ['404', {}, { type: 'status', status: 404 }, 'not-found', 'HM_NOT_FOUND'],
  ['429', {}, { type: 'status', status: 429 }, 'unavailable', 'HM_THROTTLED'],
  ['500', {}, { type: 'status', status: 500 }, 'unavailable', 'HM_FAILED'],
  ['a page in place of JSON', {}, { type: 'stub' }, 'unavailable', 'HM_ANSWER_INVALID'],
  ['JSON of something else', { form: () => ({ hello: 1 }) }, undefined, 'unavailable', 'HM_ANSWER_INVALID'],
  ['an answer that is cut', {}, { type: 'cut', afterBytes: 10 }, 'unavailable', 'HM_UNREACHABLE'],
] as const)('says what is wrong: %s', async (_, options, fault, category, code) => {
  const { api, server } = await open(options)
  if (fault !== undefined) server.misbehave({ path: 'ai-models', fault })
  const error = await errorOf(api.listModels())
  expect({ category: error.category, code: error.code }).toEqual({ category, code })
  expect(error.next).toBeDefined()
})

it('asks again after a failure that may pass, and takes a slow answer', async () => {
  const { api, server } = await open({}, { maxRetries: 2 })
  server.misbehave({ path: 'ai-models', count: 1, fault: { type: 'status', status: 500 } })
  server.misbehave({ path: 'ai-models', count: 1, fault: { type: 'cut', afterBytes: 10 } })
  server.misbehave({ path: 'ai-models', fault: { type: 'slow', bytesPerSecond: 5_000 } })
  expect((await api.listModels()).models).toHaveLength(5)
  expect(server.requests).toHaveLength(3)
})

it('does not ask again with a key that was refused', async () => {
  const { api, server } = await open({ accessKey: 'another' }, { maxRetries: 5 })
  await errorOf(api.listModels())
  expect(server.requests).toHaveLength(1)
})

it('can be interrupted while no answer comes', async () => {
  const { api, server, controller } = await open()
  server.misbehave({ path: 'ai-models', fault: { type: 'hang' } })
  const asked = api.listModels()
  controller.abort(new Error('interrupted by the test'))
  await expect(asked).rejects.toThrow('interrupted by the test')
})

it('says that nobody is there', async () => {
  const { api, server } = await open()
  await server.stop()
  started.length = 0
  expect(await errorOf(api.listModels())).toMatchObject({ category: 'unavailable', code: 'HM_UNREACHABLE' })
})

it('shows the key nowhere, also where the other side repeats it', async () => {
  const { api, server, shown } = await open({ form: () => ({ message: `your key is ${key}` }) })
  const error = await errorOf(api.listModels())
  expect(server.requests).toHaveLength(1)
  expect(`${error.message} ${error.why} ${error.next} ${JSON.stringify(shown)}`).not.toContain(key)
  expect(error.why).toContain('your key is **redacted**')
})

it('keeps a path in front of the API', async () => {
  const { api, server } = await open({}, { path: 'portal/' })
  await errorOf(api.listModels())
  expect(server.requests[0]?.path).toBe('/portal/api/v1/ai-models')
})

it('gives a model another image, and reads it again', async () => {
  const { api, server } = await open()
  const change = await setModelImage(api, { id: 'c4b8', image: copy, dryRun: false })
  const before = 'nvcr.io/nim/nvidia/nvclip:latest'
  expect(change).toEqual({ id: 'c4b8', name: 'nvclip', before, after: copy, status: 'changed' })
  expect(server.requests.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
    { method: 'GET', path: '/api/v1/ai-models', body: undefined },
    { method: 'PATCH', path: '/api/v1/ai-models/c4b8', body: { imageUrl: copy } },
    { method: 'GET', path: '/api/v1/ai-models', body: undefined },
  ])
})

it.each([
  ['a dry run', copy, true, 'planned'],
  ['the image that it has', 'nvcr.io/nim/nvidia/nvclip', false, 'unchanged'],
])('changes nothing for %s', async (_, image, dryRun, status) => {
  const { api, server } = await open()
  expect(await setModelImage(api, { id: 'c4b8', image, dryRun })).toMatchObject({ status })
  expect(server.requests.map(({ method }) => method)).toEqual(['GET'])
})

it('sets an id as it is, whatever is in it', async () => {
  const { api, server } = await open({ models: [{ id: 'a/b ?c', name: 'odd' }] })
  const change = await setModelImage(api, { id: 'a/b ?c', image: copy, dryRun: false })
  expect(change).toEqual({ id: 'a/b ?c', name: 'odd', after: copy, status: 'changed' })
  expect(server.models).toEqual([{ id: 'a/b ?c', name: 'odd', imageUrl: copy }])
})

it.each([
  ['an unknown id', 'c4b9', copy, 'not-found', 'HM_MODEL_UNKNOWN', 'c4b8 (nvclip)'],
  ['a name in place of an id', 'nvclip', copy, 'not-found', 'HM_MODEL_UNKNOWN', 'c4b8 (nvclip)'],
  ['an image of the engine', 'c4b8', 'docker-daemon:a/b:1', 'usage', 'IMAGE_REFERENCE_INVALID', ''],
  ['no image', 'c4b8', 'A B', 'usage', 'IMAGE_REFERENCE_INVALID', ''],
])('refuses %s before anything is sent', async (_, id, image, category, code, why) => {
  const { api, server } = await open()
  const error = await errorOf(setModelImage(api, { id, image, dryRun: false }))
  expect(error).toMatchObject({ category, code })
  expect(error.why ?? '').toContain(why)
  expect(server.requests.filter(({ method }) => method !== 'GET')).toEqual([])
})

it('sees that the image is another one than it sent', async () => {
  const { api } = await open({ keep: () => 'nvcr.io/nim/nvidia/nvclip:2' })
  const error = await errorOf(setModelImage(api, { id: 'c4b8', image: copy, dryRun: false }))
  expect(error).toMatchObject({ category: 'check-failed', code: 'HM_IMAGE_NOT_SET' })
  expect(error.why).toContain('found nvcr.io/nim/nvidia/nvclip:2')
})

it('sends the change again where the answer was lost', async () => {
  const { api, server } = await open({}, { maxRetries: 1 })
  server.misbehave({ path: 'c4b8', count: 1, fault: { type: 'cut', afterBytes: 3 } })
  expect(await setModelImage(api, { id: 'c4b8', image: copy, dryRun: false })).toMatchObject({ status: 'changed' })
  expect(server.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(2)
})

it.each([
  [{ type: 'status', status: 403 }, 'HM_AUTH'],
  [{ type: 'status', status: 404 }, 'HM_NOT_FOUND'],
] as const)('says why a change was refused: %j', async (fault, code) => {
  const { api, server } = await open()
  server.misbehave({ path: 'c4b8', fault })
  expect(await errorOf(setModelImage(api, { id: 'c4b8', image: copy, dryRun: false }))).toMatchObject({ code })
})

it("tells a refusal of the image in Hybrid Manager's words", async () => {
  const { api } = await open({ accepts: () => false })
  const error = await errorOf(setModelImage(api, { id: 'c4b8', image: copy, dryRun: false }))
  expect(error).toMatchObject({ category: 'usage', code: 'HM_CHANGE_REFUSED' })
  expect(error.why).toBe('It answers 400. imageUrl is not accepted')
})
