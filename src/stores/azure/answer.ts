import type { IncomingMessage } from 'node:http'
import { text as readText } from 'node:stream/consumers'

import { type Answer, readAnswer } from '../http/answer.ts'
import { element } from '../http/xml.ts'

/** An answer of success, whole. A listing is longer than any error. */
export async function readSuccess(incoming: IncomingMessage): Promise<Answer> {
  const text = await readText(incoming)
  if (incoming.complete) return { status: incoming.statusCode ?? 0, headers: incoming.headers, text }
  throw Object.assign(new Error('The answer broke off.'), { code: 'ECONNRESET' })
}

/** What the service said instead of doing it. */
export interface Failure extends Error {
  /** The service's own, such as `BlobNotFound`. */
  name: string
  status: number
  /** Of the service's clock, in milliseconds since 1970. */
  serverMs?: number
  retryAfter?: string
}

export function isFailure(error: unknown): error is Failure {
  return error instanceof Error && 'status' in error && typeof error.status === 'number'
}

export async function readFailure(incoming: IncomingMessage): Promise<Failure> {
  const { status, headers, text } = await readAnswer(incoming)
  const code = headers['x-ms-error-code'] ?? element(text, 'Code')
  // Behind the sentence follow the request's id and the time.
  const [sentence = ''] = (element(text, 'Message') ?? '').split('\n')
  const detail = element(text, 'AuthenticationErrorDetail')
  const serverMs = Date.parse(headers.date ?? '')
  return Object.assign(new Error([sentence, detail].filter(Boolean).join(' ')), {
    name: typeof code === 'string' ? code : '',
    status,
    ...(Number.isNaN(serverMs) || headers.age !== undefined ? {} : { serverMs }),
    ...(headers['retry-after'] === undefined ? {} : { retryAfter: headers['retry-after'] }),
  })
}
