import { afterEach, describe, expect, it } from 'vitest'

import { openCheckLog, type Check } from '../../src/system/check.ts'
import { secret } from '../../src/system/secret.ts'
import { validateEndpoint, type ValidateEndpointRequest } from '../../src/validate/endpoint.ts'
import {
  managementRoutes,
  model,
  modelRoutes,
  numbers,
  profile,
  type Routes,
  type StandInEndpoint,
  startStandInEndpoint,
} from './stand-in-endpoint.ts'

const embedding: Routes = { ...managementRoutes, ...modelRoutes.embeddings }
const started: StandInEndpoint[] = []

afterEach(async () => {
  for (const server of started.splice(0)) await server.stop()
})

async function serve(...parameters: Parameters<typeof startStandInEndpoint>): Promise<StandInEndpoint> {
  const server = await startStandInEndpoint(...parameters)
  started.push(server)
  return server
}

async function reportEndpoint(url: string, more: Partial<ValidateEndpointRequest> = {}) {
  const checks = openCheckLog()
  try {
    const report = await validateEndpoint({
      url: new URL(url),
      healthPath: 'v1/health/ready',
      connections: {},
      retry: { maxRetries: 0, firstWaitMs: 1, longestWaitMs: 1 },
      checks,
      signal: new AbortController().signal,
      report: () => {},
      ...more,
    })
    const found: Check[] = await Array.fromAsync(report.checks)
    return { ...report, checks: found, bad: found.filter(({ status }) => status !== 'ok') }
  } finally {
    await checks.close()
  }
}

const answerOf = (checks: Check[]) => checks.find(({ name }) => name === 'endpoint.request')

describe.each([
  ['chat', 'v1/chat/completions', '3 tokens'],
  ['completion', 'v1/completions', '7 characters'],
  ['embeddings', 'v1/embeddings', 'a vector of length 1024'],
  ['rerank', 'v1/ranking', 'a ranking of 2 passages'],
] as const)('a model for %s', (kind, path, found) => {
  const routes = { ...managementRoutes, ...modelRoutes[kind] }

  it('is found out and passes', async () => {
    const { url } = await serve(routes)
    const report = await reportEndpoint(url)
    expect(report.bad).toEqual([])
    expect(answerOf(report.checks)).toMatchObject({ path, found })
    expect(report.summary).toEqual({ models: [model], profiles: [profile], files: 0, bytes: 0 })
  })

  it('is asked for that alone with --kind', async () => {
    const { url, asked } = await serve(routes)
    expect((await reportEndpoint(url, { kind })).ok).toBe(true)
    expect(asked.filter(({ body }) => body !== undefined).map(each => each.path)).toEqual([`/${path}`])
  })

  it.each([
    ['fails inside', { status: 500, json: { error: { message: 'CUDA out of memory' } } }],
    ['answers with something else', { json: { object: 'list', data: [], choices: [], rankings: [] } }],
    ['answers with no JSON', { json: undefined }],
  ])('that %s is reported as that alone', async (_, route) => {
    const { url } = await serve({ ...managementRoutes, [`/${path}`]: route })
    const report = await reportEndpoint(url)
    expect(report.bad).toMatchObject([{ name: 'endpoint.request', status: 'failed', path }])
  })
})

describe('each fault is reported by one check', () => {
  it.each<[string, Routes, Partial<ValidateEndpointRequest>, Partial<Check>]>([
    [
      'not ready',
      { '/v1/health/ready': { status: 503, json: { message: 'Service is not ready.' } } },
      {},
      { name: 'endpoint.ready', found: '503: Service is not ready.' },
    ],
    ['another health path', {}, { healthPath: 'health' }, { name: 'endpoint.ready', found: '404: Not Found' }],
    ['no models', { '/v1/models': { json: { object: 'list', data: [] } } }, {}, { name: 'endpoint.models' }],
    ['another model', {}, { model: 'meta/llama' }, { name: 'endpoint.model', expected: 'meta/llama', found: model }],
    [
      'metadata of no NIM',
      { '/v1/metadata': { json: { hello: 'world' } } },
      {},
      { name: 'endpoint.metadata', status: 'warning' },
    ],
    [
      'a vector with a hole',
      { '/v1/embeddings': { json: { data: [{ embedding: [0.1, null, 0.3] }] } } },
      {},
      { name: 'endpoint.request' },
    ],
    [
      'a vector of zeros',
      { '/v1/embeddings': { json: { data: [{ embedding: [0, 0, 0] }] } } },
      {},
      { name: 'endpoint.request' },
    ],
  ])('%s', async (_, routes, more, expected) => {
    const { url } = await serve({ ...embedding, ...routes })
    const { bad } = await reportEndpoint(url, more)
    expect(bad).toHaveLength(1)
    expect(bad[0]).toMatchObject({ status: 'failed', ...expected })
    expect(bad[0]?.next).toBeDefined()
  })
})

it('asks nothing more of a server that is still loading', async () => {
  const { url, asked } = await serve({ '/v1/health/ready': { status: 503, json: {} } })
  await reportEndpoint(url)
  expect(asked).toHaveLength(1)
})

it('can not prove a model of a kind that it does not know', async () => {
  const { url } = await serve(managementRoutes)
  const { ok, bad } = await reportEndpoint(url)
  expect(ok).toBe(true)
  expect(bad).toMatchObject([{ name: 'endpoint.request', status: 'not-provable' }])
})

it('goes on where vLLM has the route and its model is not for it', async () => {
  const message = 'The model does not support Chat Completions API'
  const { url } = await serve({
    ...embedding,
    '/v1/chat/completions': { status: 400, json: { error: { message } } },
    '/v1/completions': { status: 400, json: { error: { message } } },
  })
  expect(answerOf((await reportEndpoint(url)).checks)).toMatchObject({ status: 'ok', path: 'v1/embeddings' })
})

describe('embeddings', () => {
  const wants = (accepted: (body: object) => boolean): Routes => ({
    ...embedding,
    '/v1/embeddings': body => {
      if (typeof body === 'object' && body !== null && accepted(body)) {
        return { json: { data: [{ embedding: numbers(3) }] } }
      }
      return { status: 422, json: { detail: [{ loc: ['body', 'input_type'], msg: 'wrong' }] } }
    },
  })

  it.each([
    ['want input_type', wants(body => 'input_type' in body)],
    ['refuse input_type', wants(body => !('input_type' in body))],
  ])('that %s are asked so', async (_, routes) => {
    const { url } = await serve(routes)
    expect(answerOf((await reportEndpoint(url)).checks)).toMatchObject({
      status: 'ok',
      found: 'a vector of length 3',
    })
  })

  it('are asked without a name where the server has no list of models', async () => {
    const { url, asked } = await serve(modelRoutes.embeddings)
    await reportEndpoint(url, { kind: 'embeddings' })
    expect(asked.at(-1)?.body).toEqual({ input: ['hello'], input_type: 'query' })
  })
})

describe('the key', () => {
  it('opens a server that asks for it', async () => {
    const { url } = await serve(embedding, { key: 'k-123' })
    expect((await reportEndpoint(url, { key: secret('k-123') })).ok).toBe(true)
  })

  it.each([
    ['is missing', {}, 'NIMCTL_ENDPOINT_KEY'],
    ['is wrong', { key: secret('k-999') }, 'Check'],
  ])('that %s is an error', async (_, more, next) => {
    const { url } = await serve(embedding, { key: 'k-123' })
    await expect(reportEndpoint(url, more)).rejects.toMatchObject({
      category: 'auth',
      code: 'ENDPOINT_AUTH',
      next: expect.stringContaining(next),
    })
  })

  it('is never sent to where a redirect leads', async () => {
    const other = await serve(embedding)
    const away = (_: unknown, response: { writeHead: Function }) => {
      response.writeHead(307, { location: `${other.url}/v1/embeddings` }).end()
      return undefined
    }
    const { url } = await serve({ ...embedding, '/v1/embeddings': away, '/v1/health/ready': away })
    const { bad } = await reportEndpoint(url, { key: secret('k-123') })
    expect(bad.map(({ name }) => name)).toEqual(['endpoint.ready', 'endpoint.request'])
    expect(bad[0]?.next).toContain(other.url)
    expect(other.asked).toEqual([])
  })

  it('is not shown where a server repeats it', async () => {
    const repeated = { status: 500, json: { message: 'You sent k-123456789.' } }
    const { url } = await serve({ ...embedding, '/v1/embeddings': repeated })
    const { checks } = await reportEndpoint(url, { key: secret('k-123456789') })
    expect(answerOf(checks)?.found).toBe('500: You sent **redacted**.')
  })
})

it('follows a redirect on the same server', async () => {
  const moved = (_: unknown, response: { writeHead: Function }) => {
    response.writeHead(308, { location: '/nim/v1/models' }).end()
    return undefined
  }
  const { url } = await serve({ ...embedding, '/v1/models': moved, '/nim/v1/models': embedding['/v1/models'] ?? moved })
  expect((await reportEndpoint(url)).bad).toEqual([])
})

it('reads no more of an answer than any model has to say', async () => {
  const endless = (_: unknown, response: { writeHead: Function; write: (chunk: Buffer) => boolean; on: Function }) => {
    response.writeHead(200)
    const piece = Buffer.alloc(256 * 1024, ' ')
    const more = () => {
      while (response.write(piece));
    }
    response.on('drain', more)
    more()
    return undefined
  }
  const { url } = await serve({ ...embedding, '/v1/models': endless })
  const { bad } = await reportEndpoint(url, { model })
  expect(bad).toMatchObject([{ name: 'endpoint.models', found: expect.stringContaining('more than') }])
})

it.each(['', '/', '/v1', '/v1/'])('takes the address with %j at its end', async end => {
  const { url } = await serve(embedding)
  expect((await reportEndpoint(`${url}${end}`)).bad).toEqual([])
})

it.each(['ftp://host', 'http://user:k-123@host', 'https://host?key=k-123'])('refuses %s', async url => {
  const error = await reportEndpoint(url).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ category: 'usage', code: 'ENDPOINT_URL_INVALID' })
  expect(String(error)).not.toContain('k-123')
})

it('says that nobody answers', async () => {
  const server = await startStandInEndpoint({})
  await server.stop()
  await expect(reportEndpoint(server.url)).rejects.toMatchObject({
    category: 'unavailable',
    code: 'ENDPOINT_UNREACHABLE',
  })
})

it('says that TLS is not spoken', async () => {
  const { url } = await serve(embedding)
  await expect(reportEndpoint(url.replace('http:', 'https:'))).rejects.toMatchObject({ code: 'ENDPOINT_TLS' })
})
