import { text } from 'node:stream/consumers'

import type { NimctlError } from '../system/errors.ts'
import { parseJson, read, textAt } from '../system/json.ts'
import { sanitize } from '../system/secret.ts'
import type { Connection } from './connect.ts'
import { type ApiAnswer, errorOfAnswer, readStatus, translateApiError } from './errors.ts'
import type {
  DryRun,
  DryRunVerb,
  AnyObject,
  ObjectApi,
  ObjectKind,
  ObjectQuery,
  Reading,
  RefusalCause,
  ServedKind,
  WrittenObject,
} from './objects.ts'
import { type ApiRequest, sendRequest } from './request.ts'

/** An API server that does not answer in this time is as good as unreachable. */
const answerMs = 30_000

/** As kubectl's chunks. */
const pageSize = '500'

/**
 * Objects of any kind as plain JSON. The client library's own `KubernetesObjectApi` leaves fields that it does not know
 * out of the kinds that it does, so nothing could be found out about them.
 */
export function openObjectApi(connection: Connection): ObjectApi {
  const { namespace } = connection
  const findKind = kindFinder(connection)

  const at = async ({ apiVersion, kind }: ObjectKind, place: Place, signal: AbortSignal) => {
    const served = await findKind({ apiVersion, kind }, signal)
    return served === undefined ? undefined : resourcePath(apiVersion, served, { namespace, ...place })
  }

  const readObject: ObjectApi['readObject'] = async (object, signal) => {
    const path = await at(object, object, signal)
    if (path === undefined) return { answer: 'not-served' }
    const task = `get a ${object.kind}`
    const answer = await ask(connection, { path }, { signal, task })
    if (answer.status === 404 && answer.reason === 'NotFound') return { answer: 'absent' }
    return readingOf(answer, { ...connection, task }, () => objectOf(answer.body, object))
  }

  return {
    readObject,
    findKind,
    async listObjects(query, signal) {
      const place = { ...query, namespace: query.allNamespaces === true ? undefined : (query.namespace ?? namespace) }
      const path = await at(query, place, signal)
      if (path === undefined) return { answer: 'not-served' }
      return await listPages(connection, { path, query }, signal)
    },
    async dryRun(object, signal) {
      const { name, namespace: place = namespace } = object.metadata
      const { apiVersion, kind } = object
      // With `generateName` it has no name yet.
      const isNew = !name || (await readObject({ apiVersion, kind, name, namespace: place }, signal)).answer !== 'found'
      const path = await at(object, { namespace: place, ...(!isNew && { name }) }, signal)
      if (path === undefined) return { outcome: 'not-served' }
      return await tryObject(connection, { object, tried: isNew ? 'create' : 'apply', path }, signal)
    },
    async readServerVersion(signal) {
      const call = { ...connection, task: 'get its version' }
      const answer = await ask(connection, { path: '/version' }, { signal, task: call.task })
      if (answer.status !== 200) throw errorOfAnswer(answer, call)
      return textAt(answer.body, 'gitVersion') ?? 'unknown'
    },
  }
}

interface Place {
  name?: string
  namespace?: string | undefined
}

interface Answer extends ApiAnswer {
  body: unknown
  warnings: string[]
}

async function ask(
  connection: Connection,
  request: ApiRequest,
  { signal, task }: { signal: AbortSignal; task: string },
): Promise<Answer> {
  signal.throwIfAborted()
  try {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(answerMs)])
    const incoming = await sendRequest(connection, request, limited)
    const body = parseJson(await text(incoming))
    const status = incoming.statusCode ?? 0
    const { reason = '', message = `HTTP ${status}` } = status < 400 ? {} : readStatus(body)
    return { status, reason, message: sanitize(message), body, warnings: warningsOf(incoming.headers['warning']) }
  } catch (error) {
    signal.throwIfAborted()
    throw translateApiError(error, { task, server: connection.server, namespace: connection.namespace })
  }
}

/** `299 - "text"`, several of them joined by commas (RFC 9111 5.5, as the API server writes them). */
function warningsOf(header: string | undefined): string[] {
  const quoted = (header ?? '').matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)
  return [...quoted].map(([, said = '']) => sanitize(said.replaceAll(/\\(.)/g, '$1')))
}

interface Call {
  server: string
  namespace: string
  task: string
}

/** @throws NimctlError for what is neither found nor forbidden to this user. */
function readingOf<Value>(answer: Answer, { server, namespace, task }: Call, value: () => Value): Reading<Value> {
  if (answer.status === 200) return { answer: 'found', value: value() }
  const error = errorOfAnswer(answer, { server, namespace, task })
  if (answer.status === 403) return { answer: 'forbidden', error }
  throw error
}

async function listPages(
  connection: Connection,
  { path, query }: { path: string; query: ObjectQuery },
  signal: AbortSignal,
): Promise<Reading<AnyObject[]>> {
  const { labelSelector, fieldSelector } = query
  const task = `list ${query.kind}`
  const objects: AnyObject[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined;) {
    const asked = {
      limit: pageSize,
      ...(cursor !== '' && { continue: cursor }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    }
    const answer: Answer = await ask(connection, { path, query: asked }, { signal, task })
    const page = readingOf(answer, { ...connection, task }, () => itemsOf(answer.body, query))
    if (page.answer !== 'found') return page
    objects.push(...page.value)
    cursor = textAt(answer.body, 'metadata', 'continue')
  }
  return { answer: 'found', value: objects }
}

/** The items of a list do not say again what they are. */
function itemsOf(list: unknown, kind: ObjectKind): AnyObject[] {
  const items = read(list, 'items')
  return Array.isArray(items) ? items.map(item => objectOf(item, kind)) : []
}

function objectOf(body: unknown, { apiVersion, kind }: ObjectKind): AnyObject {
  const metadata = read(body, 'metadata')
  if (typeof body !== 'object' || typeof metadata !== 'object')
    throw new Error(`The API server answered with something else than a ${kind}.`)
  return { ...body, apiVersion, kind, metadata: { ...metadata, name: textAt(metadata, 'name') ?? '' } }
}

interface Attempt {
  object: WrittenObject
  tried: DryRunVerb
  path: string
}

async function tryObject(connection: Connection, attempt: Attempt, signal: AbortSignal): Promise<DryRun> {
  const { object, tried, path } = attempt
  const task = `${tried === 'create' ? 'create' : 'patch'} a ${object.kind}`
  const body = JSON.stringify(object)
  const query = { dryRun: 'All', fieldValidation: 'Strict', fieldManager: 'nimctl' }
  const request: ApiRequest =
    tried === 'create'
      ? { method: 'POST', path, query, body: { type: 'application/json', text: body } }
      : // Whoever else owns fields of it, the question is whether it would be valid.
        {
          method: 'PATCH',
          path,
          query: { ...query, force: 'true' },
          body: { type: 'application/apply-patch+yaml', text: body },
        }
  const answer = await ask(connection, request, { signal, task })
  const { status, reason, message, warnings } = answer
  if (status < 300) return { outcome: 'accepted', tried, object: objectOf(answer.body, object), warnings }
  const error = errorOfAnswer(answer, { ...connection, task })
  if (status === 403 && isUnpermitted(message)) return { outcome: 'forbidden', error }
  if (isTrouble(error, answer)) throw error
  return { outcome: 'refused', tried, status, reason, message, causes: causesOf(answer.body) }
}

/** RBAC's refusal of this user; quota, Pod Security and webhooks say 403 as well, and mean the object. */
function isUnpermitted(message: string): boolean {
  return /\bUser "[^"]*" cannot (?:create|patch|get)\b/.test(message)
}

/** Whatever the object is. An apply of unknown fields, however, is answered with 500 and says so. */
function isTrouble(error: NimctlError, { status, message }: Answer): boolean {
  if (/failed to create typed (?:patch|live) object|field not declared in schema/.test(message)) return false
  if (/admission webhook "[^"]*" denied|failed calling webhook/.test(message)) return false
  return status === 401 || (status !== 403 && error.category === 'unavailable')
}

function causesOf(body: unknown): RefusalCause[] {
  const causes = read(body, 'details', 'causes')
  if (!Array.isArray(causes)) return []
  return causes.map(cause => {
    const field = textAt(cause, 'field')
    // `<nil>`: the rule is the whole object's.
    const named = field !== undefined && field !== '<nil>'
    return { ...(named && { field }), message: sanitize(textAt(cause, 'message') ?? '') }
  })
}

/** Remembers what is served; what is not may be installed meanwhile. */
function kindFinder(connection: Connection): ObjectApi['findKind'] {
  const found = new Map<string, ServedKind>()
  return async ({ apiVersion, kind }, signal) => {
    const key = `${apiVersion}/${kind}`
    const known = found.get(key)
    if (known !== undefined) return known
    const task = `list the kinds of ${apiVersion}`
    const answer = await ask(connection, { path: groupPath(apiVersion) }, { signal, task })
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw errorOfAnswer(answer, { ...connection, task })
    const resources = read(answer.body, 'resources')
    for (const resource of Array.isArray(resources) ? resources : []) {
      const plural = textAt(resource, 'name') ?? ''
      // Of subresources the kind may be the same: `deployments/status`.
      if (plural.includes('/')) continue
      const served = { plural, namespaced: read(resource, 'namespaced') === true }
      found.set(`${apiVersion}/${textAt(resource, 'kind') ?? ''}`, served)
    }
    return found.get(key)
  }
}

function groupPath(apiVersion: string): string {
  const [group = '', version] = apiVersion.split('/').map(encodeURIComponent)
  return version === undefined ? `/api/${group}` : `/apis/${group}/${version}`
}

function resourcePath(apiVersion: string, { plural, namespaced }: ServedKind, { name, namespace }: Place): string {
  const parts = [...(namespaced && namespace !== undefined ? ['namespaces', namespace] : []), plural, name]
  const rest = parts.filter(part => part !== undefined).map(encodeURIComponent)
  return [groupPath(apiVersion), ...rest].join('/')
}
