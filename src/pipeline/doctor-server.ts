import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'

import { errorCode, errorMessage } from '../system/errors.ts'
import { type ConnectionOptions, openConnections } from '../system/http/connections.ts'
import { isExcepted } from '../system/http/proxy.ts'
import { addressOf, send } from '../system/http/send.ts'
import { sanitize } from '../system/secret.ts'
import type { DoctorFinding } from './look.ts'

export interface ServerQuestion {
  /** What the findings begin with. */
  name: string
  /** Of the store's server; of S3 with the bucket, whose region Amazon tells anybody. */
  address: URL
  connections: ConnectionOptions
  signal: AbortSignal
}

/** Signatures are refused where clocks differ by 15 minutes (S3, Azure); a minute is already a clock that nobody sets. */
const mostSkewSeconds = 60
const soonDays = 14
const dayMs = 24 * 3600 * 1000

/** How the server is reached, and whether the clocks agree. Asked without credentials: whatever it answers will do. */
export async function examineServer(question: ServerQuestion): Promise<DoctorFinding[]> {
  const { name, address, signal } = question
  const connections = await openConnections(question.connections)
  const sentMs = Date.now()
  try {
    const answer = await send(connections, {
      to: addressOf(address),
      method: 'HEAD',
      path: address.pathname,
      headers: { host: address.host, 'user-agent': 'nimctl' },
      signal,
    })
    const { socket } = answer
    const findings = [
      { name: `${name}: connection`, ...describeConnection(answer, question) },
      { name: `${name}: clock`, ...describeClock(answer.headers.date, (sentMs + Date.now()) / 2) },
    ]
    answer.resume()
    socket.destroy()
    return findings
  } catch (error) {
    signal.throwIfAborted()
    const why = [errorCode(error), sanitize(errorMessage(error))].filter(Boolean).join(': ')
    // Whether the store can be used, its own finding says.
    return [{ name: `${name}: connection`, status: 'warning', found: `${address.origin} was not reached: ${why}` }]
  } finally {
    connections.httpAgent.destroy()
    connections.httpsAgent.destroy()
  }
}

function describeConnection(
  { socket, headers }: IncomingMessage,
  { address, connections: { proxy, insecureSkipTlsVerify } }: ServerQuestion,
): Omit<DoctorFinding, 'name'> {
  const region = headers['x-amz-bucket-region']
  const { protocol, hostname, port } = address
  const host = hostname.replace(/^\[|\]$/g, '')
  const proxied = protocol === 'https:' && proxy !== undefined && !isExcepted(host, port || '443', proxy.except ?? '')
  const way = [
    proxied ? `through the proxy ${URL.parse(proxy.url)?.host ?? 'of HTTPS_PROXY'}` : 'without a proxy',
    ...(typeof region === 'string' ? [`region ${sanitize(region)}`] : []),
  ]
  if (!(socket instanceof TLSSocket)) {
    return { status: 'ok', found: ['plain HTTP: nothing is encrypted', ...way].join(', ') }
  }
  const { issuer, valid_to: end } = socket.getPeerCertificate()
  const issuedBy = [issuer?.CN ?? issuer?.O].flat()[0] ?? 'nobody'
  const checked = insecureSkipTlsVerify === true ? ' (not checked)' : ''
  const certificate = `certificate of "${sanitize(issuedBy)}" until ${end}${checked}`
  const found = [socket.getProtocol() ?? 'TLS', certificate, ...way].join(', ')
  if (Date.parse(end) - Date.now() > soonDays * dayMs) return { status: 'ok', found }
  return { status: 'warning', found, next: 'The certificate ends soon: have it renewed before a long transfer.' }
}

/** @param nowMs when the answer was made, by this machine's clock. */
function describeClock(date: string | undefined, nowMs: number): Omit<DoctorFinding, 'name'> {
  const serverMs = Date.parse(date ?? '')
  if (Number.isNaN(serverMs)) return { status: 'ok', found: 'the server does not tell its time' }
  // The header has whole seconds, cut off.
  const skew = Math.round((nowMs - serverMs - 500) / 1000)
  if (Math.abs(skew) <= 2) return { status: 'ok', found: 'agrees with the server' }
  const found = `${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} the server`
  if (Math.abs(skew) < mostSkewSeconds) return { status: 'ok', found }
  return { status: 'warning', found, next: 'Set the clock (NTP): signed requests are refused from 15 minutes on.' }
}
