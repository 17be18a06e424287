import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest, type RequestOptions } from 'node:https'

import type { Connection } from './connect.ts'

export interface ApiRequest {
  method?: 'GET' | 'POST' | 'PATCH'
  /** From the root: `/api/v1/namespaces/nim/pods`. */
  path: string
  query?: Record<string, string>
  body?: { type: string; text: string }
}

/** Sends one request with the kubeconfig's log-in, and hands on whatever comes back, as it comes. */
export async function sendRequest(
  { config, server }: Connection,
  { method = 'GET', path, query = {}, body }: ApiRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const url = new URL(`${server.replace(/\/$/, '')}${path}`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  const headers = {
    Accept: 'application/json, */*',
    ...(body !== undefined && { 'Content-Type': body.type, 'Content-Length': Buffer.byteLength(body.text) }),
  }
  const options: RequestOptions = { signal, method, headers }
  await config.applyToHTTPSOptions(options)
  const send = url.protocol === 'http:' ? request : secureRequest
  return await new Promise((resolve, reject) => {
    send(url, options, resolve).once('error', reject).end(body?.text)
  })
}
