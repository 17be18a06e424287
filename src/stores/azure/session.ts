import type { IncomingMessage } from 'node:http'

import type { ContainerClient } from '@azure/storage-blob'

import { openConnections } from '../../system/http/connections.ts'
import { send } from '../../system/http/send.ts'
import type { Answer } from '../http/answer.ts'
import { withIssuer } from '../http/store-error.ts'
import type { StoreOptions } from '../open.ts'
import { type Failure, isFailure, readFailure, readSuccess } from './answer.ts'
import { authorize, chooseCredential, type Credential, endOfSas, queryOf } from './credentials.ts'
import { translateAzureError } from './errors.ts'
import { type Location, parseAzureUrl, pathOf } from './location.ts'
import { openSdkContainer } from './sdk.ts'
import { accountSettings } from './settings.ts'

interface RawRequest {
  method: string
  /** Encoded. */
  path: string
  query?: Record<string, string>
  /** Names in lower case. */
  headers?: Record<string, string>
  /** Sent as it is. Must not change before the promise settles. */
  body?: Uint8Array
  silenceMs?: number
  signal: AbortSignal
}

interface AzureRequest extends Omit<RawRequest, 'path'> {
  /** In the container; absent: the container itself. */
  key?: string
}

interface Asked {
  /** As the service's documentation calls it. */
  action: string
  key?: string | undefined
  signal: AbortSignal
}

/** One container and prefix, and how to talk to its service. */
export interface Session extends Location {
  /**
   * Makes one request and reads its answer.
   *
   * @param action as the service's documentation calls it.
   */
  ask(action: string, request: AzureRequest): Promise<Answer>
  /** The same, and leaves the answer's body to be read. */
  open(action: string, request: AzureRequest): Promise<IncomingMessage>
  /**
   * Does with Azure's own client what is rare; its requests go out as all others do, and the signal is theirs already. It
   * is loaded for the first one.
   */
  request<T>(asked: Asked, make: (sdk: ContainerClient) => Promise<T>): Promise<T>
  translate(error: unknown, asked: Asked): unknown
  /** What a source of a copy has to carry in its query. */
  readonly sourceQuery: string
  /** Which account is asked, and by what; never a secret. `undefined` for nobody. */
  readonly identity: string | undefined
  /** By the service's clock, in milliseconds since 1970. */
  nowMs(): number
  close(): void
}

/** Knows blocks of 4,000 MiB, encoded names in listings and all else that is asked for here. */
const version = '2021-12-02'

export async function openSession(url: URL, options: StoreOptions): Promise<Session> {
  const settings = accountSettings(options.azure ?? {})
  const location = parseAzureUrl(url, settings, options.endpointUrl)
  const credential = chooseCredential(location, settings, options.signRequests !== false)
  const sasEndMs = endOfSas(credential)
  const connections = await openConnections(options)
  const { endpoint, azureContainer } = location
  let clockOffsetMs = 0
  let tokenWasGood = false
  const nowMs = () => Date.now() + clockOffsetMs

  const translate: Session['translate'] = (error, { action, key, signal }) => {
    if (signal.aborted) return signal.reason
    return translateAzureError(error, {
      action,
      azureContainer,
      key,
      endpoint: endpoint.name,
      credential: credential.type,
      sasEndMs,
      tokenWasGood,
    })
  }
  /** Signed with the service's time from the next request on; a token that was refused is not used again. */
  const learn = ({ serverMs, status }: Failure) => {
    if (serverMs !== undefined) clockOffsetMs = serverMs - Date.now()
    if (status !== 401 || credential.type !== 'token') return
    credential.forget()
    tokenWasGood = false
  }
  const guard = async <T>(asked: Asked, make: () => Promise<T>): Promise<T> => {
    asked.signal.throwIfAborted()
    try {
      return await make()
    } catch (error) {
      const translated = translate(error, asked)
      if (isFailure(error)) learn(error)
      throw await withIssuer(translated, endpoint.name)
    }
  }
  const exchange = async <T>(request: RawRequest, read: (incoming: IncomingMessage) => T | Promise<T>): Promise<T> => {
    const { method, body, silenceMs, signal } = request
    const { headers, path } = await prepare(request, { location, credential, nowMs: nowMs() })
    signal.throwIfAborted()
    const incoming = await send(connections, { to: endpoint, method, path, headers, body, silenceMs, signal })
    if ((incoming.statusCode ?? 0) >= 300) throw await readFailure(incoming)
    tokenWasGood = credential.type === 'token'
    return await read(incoming)
  }
  const located = ({ key, ...request }: AzureRequest): RawRequest => ({ ...request, path: pathOf(location, key) })
  return {
    ...location,
    translate,
    ask: (action, request) => guard({ action, ...request }, () => exchange(located(request), readSuccess)),
    open: (action, request) => guard({ action, ...request }, () => exchange(located(request), incoming => incoming)),
    request: (asked, make) =>
      guard(asked, async () => {
        const address = `${endpoint.name}/${azureContainer}`
        const { signal } = asked
        return await make(await openSdkContainer(address, request => exchange({ ...request, signal }, readSuccess)))
      }),
    sourceQuery: credential.type === 'sas' ? `?${queryOf(credential.sas)}` : '',
    identity: identityOf(credential, location),
    nowMs,
    close: () => {
      connections.httpAgent.destroy()
      connections.httpsAgent.destroy()
    },
  }
}

function identityOf({ type }: Credential, { account }: Location): string | undefined {
  const names = { key: 'its key', sas: 'a shared access signature', token: 'a token of Entra ID' }
  return type === 'none' ? undefined : `storage account ${account}, by ${names[type]}`
}

/** Says who asks, in a header or behind the query. */
async function prepare(
  { method, path, query = {}, headers: given, body }: RawRequest,
  { location, credential, nowMs }: { location: Location; credential: Credential; nowMs: number },
): Promise<{ headers: Record<string, string>; path: string }> {
  const headers: Record<string, string> = { ...given, 'x-ms-version': version, 'x-ms-date': httpDate(nowMs) }
  if (method === 'PUT') headers['content-length'] = String(body?.length ?? 0)
  const sas = await authorize(credential, { method, path, query, headers })
  headers['host'] = location.endpoint.host
  headers['user-agent'] = 'nimctl'
  const own = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  const text = (sas === '' ? own : [...own, sas]).join('&')
  return { headers, path: text === '' ? path : `${path}?${text}` }
}

let told = { second: 0, text: '' }

/** The same for all requests of a second. */
function httpDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (told.second !== second) told = { second, text: new Date(ms).toUTCString() }
  return told.text
}
