import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { KubeConfig } from '@kubernetes/client-node'
import { afterEach, expect, it } from 'vitest'

import { openObjectApi } from '../../src/kubernetes/object-api.ts'
import type { ObjectApi } from '../../src/kubernetes/objects.ts'

const { signal } = new AbortController()
let server: Server | undefined
let requests: { method: string; url: string; body: string }[] = []

afterEach(() => server?.close())

interface Scripted {
  status?: number
  headers?: Record<string, string>
  body: object | string
}

const kinds = {
  resources: [
    { name: 'nimcaches/status', kind: 'NIMCache', namespaced: true },
    { name: 'nimcaches', kind: 'NIMCache', namespaced: true },
    { name: 'clusterthings', kind: 'ClusterThing', namespaced: false },
  ],
}

/** An API server that answers by `METHOD path`; what it knows of the group is always the same. */
async function apiServer(answers: Record<string, Scripted>): Promise<ObjectApi> {
  requests = []
  const answer = (request: IncomingMessage): Scripted => {
    const { pathname } = new URL(request.url ?? '', 'http://server')
    if (pathname === '/apis/apps.nvidia.com/v1alpha1') return { body: kinds }
    const cursor = new URL(request.url ?? '', 'http://server').searchParams.get('continue')
    const key = `${request.method} ${pathname}${cursor === null ? '' : ` ${cursor}`}`
    return answers[key] ?? { status: 404, body: { reason: 'NotFound', message: `nothing at ${key}` } }
  }
  server = createServer((request, response) => {
    void (async () => {
      requests.push({ method: request.method ?? '', url: request.url ?? '', body: await text(request) })
      const { status = 200, headers = {}, body } = answer(request)
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
    })()
  })
  await new Promise<void>(resolve => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'scripted', server: address, skipTLSVerify: true }, { name: 'nobody' })
  return openObjectApi({ config, server: address, namespace: 'nim' })
}

const apiVersion = 'apps.nvidia.com/v1alpha1'
const nimCache = { apiVersion, kind: 'NIMCache' }
const caches = '/apis/apps.nvidia.com/v1alpha1/namespaces/nim/nimcaches'
const object = { ...nimCache, metadata: { name: 'llama' }, spec: { unknown: true } }

it('lists page by page, and says of each item what it is', async () => {
  const api = await apiServer({
    [`GET ${caches}`]: { body: { metadata: { continue: 'more' }, items: [{ metadata: { name: 'a' } }] } },
    [`GET ${caches} more`]: {
      body: { metadata: {}, items: [{ metadata: { name: 'b' }, status: { state: 'Ready' } }] },
    },
  })
  expect(await api.listObjects({ ...nimCache, labelSelector: 'app=nim' }, signal)).toEqual({
    answer: 'found',
    value: [
      { ...nimCache, metadata: { name: 'a' } },
      { ...nimCache, metadata: { name: 'b' }, status: { state: 'Ready' } },
    ],
  })
  expect(requests.at(-1)?.url).toBe(`${caches}?limit=500&continue=more&labelSelector=app%3Dnim`)
})

it('asks all namespaces, and objects outside of them', async () => {
  const api = await apiServer({
    'GET /apis/apps.nvidia.com/v1alpha1/nimcaches': { body: { items: [] } },
    'GET /apis/apps.nvidia.com/v1alpha1/clusterthings/x': { body: { metadata: { name: 'x' } } },
  })
  expect(await api.listObjects({ ...nimCache, allNamespaces: true }, signal)).toEqual({ answer: 'found', value: [] })
  expect(await api.readObject({ apiVersion, kind: 'ClusterThing', name: 'x' }, signal)).toMatchObject({
    answer: 'found',
  })
})

it('tells what is absent, not served and forbidden', async () => {
  const said = 'nimcaches.apps.nvidia.com "secret" is forbidden: User "me" cannot get resource'
  const api = await apiServer({
    [`GET ${caches}/secret`]: { status: 403, body: { reason: 'Forbidden', message: said } },
  })
  expect(await api.readObject({ ...nimCache, name: 'none' }, signal)).toEqual({ answer: 'absent' })
  expect(await api.readObject({ apiVersion, kind: 'NIMThing', name: 'x' }, signal)).toEqual({ answer: 'not-served' })
  expect(await api.readObject({ ...nimCache, name: 'secret' }, signal)).toMatchObject({
    answer: 'forbidden',
    error: { category: 'auth', code: 'CLUSTER_FORBIDDEN', why: said },
  })
  expect(await api.findKind({ apiVersion: 'example.com/v1', kind: 'Thing' }, signal)).toBeUndefined()
})

it('throws where the server has trouble of its own', async () => {
  const api = await apiServer({ [`GET ${caches}/llama`]: { status: 503, body: 'no backend' } })
  await expect(api.readObject({ ...nimCache, name: 'llama' }, signal)).rejects.toMatchObject({
    category: 'unavailable',
    code: 'CLUSTER_BUSY',
  })
})

it('tries to create what is not there, with every field, strictly', async () => {
  const warning = '299 - "spec.expose.ingress is deprecated, use \\"router\\"", 299 - "second"'
  const api = await apiServer({ [`POST ${caches}`]: { status: 201, headers: { warning }, body: object } })
  expect(await api.dryRun(object, signal)).toMatchObject({
    outcome: 'accepted',
    tried: 'create',
    warnings: ['spec.expose.ingress is deprecated, use "router"', 'second'],
  })
  const { url, body } = requests.at(-1) ?? { url: '', body: '' }
  expect(url).toBe(`${caches}?dryRun=All&fieldValidation=Strict&fieldManager=nimctl`)
  expect(JSON.parse(body)).toEqual(object)
})

it('tries to apply what is there', async () => {
  const message = 'NIMCache.apps.nvidia.com "llama" is invalid: spec: modelPuller is an immutable field.'
  const causes = [
    { field: 'spec', message: 'immutable' },
    { field: '<nil>', message: 'a rule' },
  ]
  const api = await apiServer({
    [`GET ${caches}/llama`]: { body: object },
    [`PATCH ${caches}/llama`]: { status: 422, body: { reason: 'Invalid', message, details: { causes } } },
  })
  expect(await api.dryRun(object, signal)).toEqual({
    outcome: 'refused',
    tried: 'apply',
    status: 422,
    reason: 'Invalid',
    message,
    causes: [{ field: 'spec', message: 'immutable' }, { message: 'a rule' }],
  })
})

it.each([
  [403, 'nimcaches is forbidden: User "me" cannot create resource "nimcaches" in API group', 'forbidden'],
  [403, 'pods "x" is forbidden: exceeded quota: small', 'refused'],
  [403, 'admission webhook "v.nvidia.com" denied the request: nimservice.spec.storage: Required value', 'refused'],
  [400, 'strict decoding error: unknown field "spec.unknown"', 'refused'],
  [500, 'Internal error occurred: failed calling webhook "v.nvidia.com"', 'refused'],
  [404, 'namespaces "nim" not found', 'refused'],
])('takes %i %s as %s', async (status, message, outcome) => {
  const api = await apiServer({ [`POST ${caches}`]: { status, body: { reason: 'R', message } } })
  expect(await api.dryRun(object, signal)).toMatchObject({ outcome })
})

it('throws where a dry run comes to nothing', async () => {
  const api = await apiServer({ [`POST ${caches}`]: { status: 500, body: { message: 'etcdserver: timed out' } } })
  await expect(api.dryRun(object, signal)).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
})

it('says which version the server has', async () => {
  const api = await apiServer({ 'GET /version': { body: { gitVersion: 'v1.36.3' } } })
  expect(await api.readServerVersion(signal)).toBe('v1.36.3')
})
