import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import { read, textAt } from '../system/json.ts'
import { sanitize, shownUrl } from '../system/secret.ts'
import { type EndpointAnswer, type EndpointClient, type EndpointOptions, openEndpoint } from './endpoint-client.ts'
import {
  type EndpointKind,
  endpointKinds,
  isOtherKind,
  type SampleRequest,
  sampleRequest,
} from './endpoint-requests.ts'

export interface ValidateEndpointRequest extends EndpointOptions {
  /** Of the server; with or without `v1` at its end. */
  url: URL
  /** Must be served, and is the one that is asked. Absent: the first that the server names. */
  model?: string
  healthPath: string
  /** What the model is asked for. Absent: the first that the server knows. */
  kind?: EndpointKind
  checks: CheckLog
}

/**
 * Asks a model server whether it is ready, what it serves, and for one small answer. Changes nothing.
 *
 * @throws NimctlError `usage` / `ENDPOINT_URL_INVALID`, and as `EndpointClient.ask` says.
 */
export async function validateEndpoint(request: ValidateEndpointRequest): Promise<CheckReport> {
  const { checks, report, connections } = request
  const base = parseBase(request.url)
  const client = await openEndpoint(base, request)
  report({ event: 'started', task: 'validate' })
  try {
    const ready = await checkReady(client, request)
    // Of a server that is still loading the rest says nothing.
    const { models, profiles } = ready ? await checkServed(client, request) : { models: [], profiles: [] }
    report({ event: 'ended', task: 'validate' })
    const insecure = connections.insecureSkipTlsVerify === true && base.protocol === 'https:'
    const summary = { models, profiles, files: 0, bytes: 0, ...(insecure && { insecureTls: true as const }) }
    return checks.report(shownUrl(base), summary)
  } finally {
    client.close()
  }
}

/** @returns what routes are resolved against: those of OpenAI's clients end in `v1`, where nimctl's routes begin. */
function parseBase(url: URL): URL {
  const sound = /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!sound || url.search !== '' || url.hash !== '') {
    throw new NimctlError('usage', 'ENDPOINT_URL_INVALID', {
      what: `${shownUrl(url)} is not the address of a model server.`,
      why: 'It has to be http:// or https://, without user, password, query and fragment.',
      next: 'Write it as https://HOST:PORT; a key belongs into NIMCTL_ENDPOINT_KEY.',
    })
  }
  const base = new URL(url)
  base.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}/`
  return base
}

async function checkReady(client: EndpointClient, { healthPath, checks }: ValidateEndpointRequest): Promise<boolean> {
  if (!checks.wants('endpoint.ready')) return true
  const path = healthPath.replace(/^\/+/, '')
  const answer = await client.ask(path)
  const ok = answer.status === 200
  const waiting = answer.status === 503
  await checks.add({
    name: 'endpoint.ready',
    status: ok ? 'ok' : 'failed',
    method: 'structure',
    path,
    expected: '200',
    found: shownAnswer(answer),
    ...(!ok && {
      next: waiting ? 'Wait until the model is loaded; look at the log of its pod.' : otherPath(answer),
    }),
  })
  return !waiting
}

function otherPath({ status, words }: EndpointAnswer): string {
  if (status >= 300 && status < 400) return `Name the address behind the redirect: ${words}`
  return 'Look at the address, and at --health-path where the server keeps it elsewhere.'
}

interface Served {
  models: string[]
  profiles: string[]
}

async function checkServed(client: EndpointClient, request: ValidateEndpointRequest): Promise<Served> {
  const { checks, model } = request
  const models = await checkModels(client, request)
  const profiles = await checkMetadata(client, request)
  const missing = model !== undefined && models !== undefined && !models.includes(model)
  if (model !== undefined && models !== undefined) await checks.add(checkModel(model, models))
  if (!missing && checks.wants('endpoint.request')) {
    await checks.add(await checkRequest(client, request, model ?? models?.[0]))
  }
  return { models: models ?? [], profiles }
}

/** @returns `undefined` where the server does not say. */
async function checkModels(client: EndpointClient, { checks }: ValidateEndpointRequest): Promise<string[] | undefined> {
  const wanted = ['endpoint.models', 'endpoint.model', 'endpoint.request'].some(name => checks.wants(name))
  if (!wanted) return undefined
  const path = 'v1/models'
  const answer = await client.ask(path)
  const data = answer.status === 200 ? read(answer.json, 'data') : undefined
  const ids = Array.isArray(data) ? data.flatMap(each => textAt(each, 'id') ?? []).map(id => sanitize(id)) : []
  const served = ids.length > 0
  await checks.add({
    name: 'endpoint.models',
    status: served ? 'ok' : 'failed',
    method: 'structure',
    path,
    expected: 'a list of models',
    found: served ? ids.join(', ') : shownAnswer(answer),
    ...(!served && { next: 'Look whether this is the address of a NIM, and at its log.' }),
  })
  return served ? ids : undefined
}

function checkModel(model: string, served: readonly string[]): Check {
  const ok = served.includes(model)
  return {
    name: 'endpoint.model',
    status: ok ? 'ok' : 'failed',
    method: 'structure',
    expected: model,
    found: served.join(', '),
    ...(!ok && { next: 'Look at the name, and at NIM_SERVED_MODEL_NAME of the server.' }),
  }
}

/** @returns the profile in use, where the server says it. */
async function checkMetadata(client: EndpointClient, { checks }: ValidateEndpointRequest): Promise<string[]> {
  if (!checks.wants('endpoint.metadata')) return []
  const path = 'v1/metadata'
  const answer = await client.ask(path)
  const json = answer.status === 200 ? answer.json : undefined
  const profile = textAt(json, 'selectedModelProfileId')
  const version = textAt(json, 'version')
  const known = profile !== undefined || version !== undefined
  const parts = [version && `version ${version}`, profile && `profile ${profile}`]
  await checks.add({
    name: 'endpoint.metadata',
    status: known ? 'ok' : 'warning',
    method: 'structure',
    path,
    expected: 'version and profile',
    found: known ? sanitize(parts.filter(Boolean).join(', ')) : shownAnswer(answer),
    ...(!known && { next: 'A NIM says there which profile it runs: look whether this is one, or a proxy in front.' }),
  })
  return profile === undefined ? [] : [sanitize(profile)]
}

async function checkRequest(
  client: EndpointClient,
  { kind }: ValidateEndpointRequest,
  model: string | undefined,
): Promise<Check> {
  const samples = (kind === undefined ? endpointKinds : [kind]).map(each => sampleRequest(each, model))
  for (const sample of samples) {
    const answer = await askSample(client, sample)
    if (kind === undefined && isOtherKind(answer)) continue
    return judgeSample(sample, answer)
  }
  return {
    name: 'endpoint.request',
    status: 'not-provable',
    method: 'structure',
    expected: `an answer at ${samples.map(({ path }) => path).join(', ')}`,
    found: 'none of these',
    next: 'Ask the model yourself for what it is made for; nimctl knows chat, completion, embeddings and rerank.',
  }
}

async function askSample(client: EndpointClient, { path, bodies }: SampleRequest): Promise<EndpointAnswer> {
  let answer: EndpointAnswer | undefined
  for (const { body, unless } of bodies) {
    answer = await client.ask(path, body)
    const refused = answer.status === 400 || answer.status === 422
    if (unless === undefined || !refused || !JSON.stringify(answer.json ?? answer.words).includes(unless)) break
  }
  if (answer === undefined) throw new Error('A sample has one body at least.')
  return answer
}

function judgeSample({ kind, path, expected, judge }: SampleRequest, answer: EndpointAnswer): Check {
  const came = answer.status === 200 ? judge(answer.json) : undefined
  return {
    name: 'endpoint.request',
    status: came === undefined ? 'failed' : 'ok',
    method: 'content',
    path,
    expected,
    found: came ?? shownAnswer(answer),
    ...(came === undefined && {
      next: `Look at the log of the server; where the model is not for ${kind}, say for what: --kind`,
    }),
  }
}

function shownAnswer({ status, words }: EndpointAnswer): string {
  return words === '' ? String(status) : `${status}: ${words}`
}
