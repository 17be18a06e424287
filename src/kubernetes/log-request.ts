import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest, type RequestOptions } from 'node:https'

import type { LogRequest } from './cluster.ts'
import type { Connection } from './connect.ts'

/**
 * Asks for a container's log as a stream. The client library's own `Log` says neither why it failed nor when it ended,
 * so only its log-in is used.
 */
export async function requestLog(
  { config, server, namespace }: Connection,
  { pod, container, since, follow = true }: LogRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(`${server.replace(/\/$/, '')}/api/v1/namespaces/${namespace}/pods/${pod}/log`)
  url.searchParams.set('container', container)
  url.searchParams.set('follow', String(follow))
  url.searchParams.set('timestamps', 'true')
  if (since !== undefined) url.searchParams.set('sinceTime', since)
  const options: RequestOptions = { signal }
  await config.applyToHTTPSOptions(options)
  const send = url.protocol === 'http:' ? request : secureRequest
  return await new Promise((resolve, reject) => {
    send(url, options, resolve).once('error', reject).end()
  })
}
