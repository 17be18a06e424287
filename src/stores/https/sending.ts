import type { ClientRequest } from 'node:http'

import { longSilenceMs } from '../../system/http/connections.ts'
import { begin, slicesOf } from '../../system/http/send.ts'
import { type Answer, readAnswer } from '../http/answer.ts'
import { failureOf } from './errors.ts'
import type { Server } from './server.ts'

/** A PUT whose body comes piece by piece. */
export interface Sending {
  /** The bytes may be reused when the promise settles. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** Waits for the answer to the whole. */
  end(signal: AbortSignal): Promise<Answer>
  /** The server gets no end, so it must not keep what came. */
  destroy(): void
}

/** How long a server may take to say that the body may come; some never say it (RFC 9110, 10.1.1). */
const permissionMs = 1000

/** @param size of the whole body, in bytes. */
export async function openSending(
  server: Server,
  {
    path,
    size,
    headers,
    signal,
  }: { path: string; size: number; headers?: Record<string, string>; signal: AbortSignal },
): Promise<Sending> {
  const outgoing = await server.prepare({ method: 'PUT', path, silenceMs: longSilenceMs, signal })
  const request = begin(server.connections, {
    ...outgoing,
    headers: {
      ...outgoing.headers,
      ...headers,
      'content-length': String(size),
      // So a refusal comes before the bytes, and is not lost when the server closes the connection.
      expect: '100-continue',
    },
  })
  const answer = answerOf(request)
  // A server that answers before the end refuses. Nobody may be waiting yet.
  const refusal = answer.then(early => Promise.reject(failureOf(early)))
  refusal.catch(() => {})
  request.flushHeaders()
  try {
    await permission(request, refusal)
  } catch (error) {
    request.destroy()
    throw error
  }
  return {
    async write(bytes, stop) {
      await stoppable(request, stop, async () => {
        for (const slice of slicesOf([bytes], outgoing.to.secure))
          await Promise.race([written(request, slice), refusal])
      })
    },
    async end(stop) {
      return await stoppable(request, stop, async () => {
        request.end()
        const { status, ...rest } = await answer
        if (status >= 300) throw failureOf({ status, ...rest })
        return { status, ...rest }
      })
    },
    destroy: () => void request.destroy(),
  }
}

function answerOf(request: ClientRequest): Promise<Answer> {
  let answered = false
  return new Promise<Answer>((resolve, reject) => {
    request.on('error', reject)
    request.on('close', () => void (answered || reject(closedEarly())))
    request.on('response', incoming => {
      answered = true
      readAnswer(incoming).then(resolve, reject)
    })
  })
}

function closedEarly(): Error {
  return Object.assign(new Error('The connection was closed.'), { code: 'ECONNRESET' })
}

async function permission(request: ClientRequest, refusal: Promise<never>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const granted = new Promise<void>(resolve => {
    request.once('continue', resolve)
    request.once('socket', socket => {
      const wait = () => (timer = setTimeout(resolve, permissionMs))
      if (socket.connecting) socket.once('connect', wait)
      else wait()
    })
  })
  try {
    await Promise.race([granted, refusal])
  } finally {
    clearTimeout(timer)
  }
}

function written(request: ClientRequest, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    request.write(bytes, error => (error ? reject(error) : resolve()))
  })
}

async function stoppable<T>(request: ClientRequest, signal: AbortSignal, make: () => Promise<T>): Promise<T> {
  const stop = () => request.destroy(new Error('told to stop'))
  signal.throwIfAborted()
  signal.addEventListener('abort', stop)
  try {
    return await make()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
