import { request } from 'node:http'
import { type Agent, request as secureRequest } from 'node:https'
import { BlockList, isIP } from 'node:net'
import { Duplex } from 'node:stream'

import { errorCode, errorMessage, NimctlError } from '../errors.ts'

/** As HTTPS_PROXY and NO_PROXY have it. */
export interface ProxySettings {
  /** With user and password, where the proxy wants them. */
  url: string
  /** Hosts that are asked directly, with commas between them: `internal.example`, `.example`, `host:8443`, `*`. */
  except?: string
}

/**
 * Lets an agent make its TLS connections through a proxy (CONNECT, RFC 9110, 9.3.6). Of these it sees host and port.
 *
 * @throws NimctlError `usage` / `PROXY_INVALID`.
 */
export function tunnelThrough(agent: Agent, { url, except = '' }: ProxySettings): void {
  const proxy = parseProxy(url)
  const direct = agent.createConnection.bind(agent)
  agent.createConnection = (options, done) => {
    const host = options.host ?? ''
    const port = String(options.port ?? 443)
    if (isExcepted(host, port, except)) return direct(options, done)
    openTunnel(proxy, `${host.includes(':') ? `[${host}]` : host}:${port}`, (error, socket) => {
      const secured = error === null ? direct(Object.assign({}, options, { socket })) : undefined
      done?.(error, secured ?? socket)
    })
    return undefined
  }
}

function parseProxy(text: string): URL {
  const proxy = URL.parse(text.includes('://') ? text : `http://${text}`)
  if (proxy !== null && /^https?:$/.test(proxy.protocol)) return proxy
  throw new NimctlError('usage', 'PROXY_INVALID', {
    what: 'HTTPS_PROXY is not the address of an HTTP proxy.',
    next: 'Write it as: http://HOST:PORT',
  })
}

/** As curl and Go understand NO_PROXY: a name stands for all below it too, a network for its addresses. */
export function isExcepted(host: string, port: string, except: string): boolean {
  return except
    .split(',')
    .map(each => each.trim().toLowerCase())
    .filter(each => each !== '')
    .some(each => {
      if (each === '*' || isInNetwork(host, each)) return true
      const [, name = '', onlyPort] = /^\*?\.?(.*?)(?::(\d+))?$/.exec(each) ?? []
      if (onlyPort !== undefined && onlyPort !== port) return false
      return host.toLowerCase() === name || host.toLowerCase().endsWith(`.${name}`)
    })
}

/** `10.0.0.0/8`, as it stands in NO_PROXY where clusters are near. */
function isInNetwork(host: string, range: string): boolean {
  const [network = '', bits = ''] = range.split('/')
  const version = isIP(network)
  if (version === 0 || version !== isIP(host) || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128))
    return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits), `ipv${version === 4 ? 4 : 6}`)
  return list.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

function openTunnel(proxy: URL, target: string, done: (error: Error | null, socket: Duplex) => void): void {
  const secure = proxy.protocol === 'https:'
  const asked = (secure ? secureRequest : request)({
    host: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port === '' ? (secure ? 443 : 80) : proxy.port,
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...authorization(proxy) },
    agent: false,
    timeout: silenceMs,
  })
  asked.once('connect', ({ statusCode = 0 }, socket) => {
    asked.setTimeout(0)
    done(statusCode === 200 ? null : refused(proxy, target, statusCode), socket)
  })
  asked.once('timeout', () => asked.destroy(new Error('The connection stayed silent.')))
  asked.once('error', error => done(unreachable(proxy, error), new Duplex()))
  asked.end()
}

const silenceMs = 30_000

function authorization({ username, password }: URL): Record<string, string> {
  if (username === '') return {}
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` }
}

const next = 'Look at HTTPS_PROXY, and name what needs no proxy in NO_PROXY.'

function refused({ host }: URL, target: string, status: number): NimctlError {
  return new NimctlError('unavailable', 'PROXY_REFUSED', {
    what: `The proxy ${host} makes no connection to ${target}.`,
    why: `It answers ${status}.`,
    next: status === 407 ? 'It wants a user and a password: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT' : next,
    mend: status >= 500 ? 'same' : 'not',
  })
}

function unreachable({ host }: URL, error: Error): NimctlError {
  const code = errorCode(error)
  return new NimctlError('unavailable', 'PROXY_UNREACHABLE', {
    what: `The proxy ${host} could not be reached.`,
    why: code === undefined ? errorMessage(error) : `${code}: ${errorMessage(error)}`,
    next,
    mend: code === 'ENOTFOUND' ? 'not' : 'same',
    cause: error,
  })
}
