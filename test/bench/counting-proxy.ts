import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

/** What clients sent since it was last taken. */
export interface Sent {
  /** Heads and bodies. */
  bytes: number
  /** Number of requests by method. */
  requests: Record<string, number>
}

export interface CountingProxy {
  endpoint: string
  takeSent(): Promise<Sent>
  stop(): Promise<void>
}

/** Stands before an HTTP server, in a process of its own, which ends with this one. */
export async function startCountingProxy(upstream: string): Promise<CountingProxy> {
  const child = fork(join(import.meta.dirname, 'counting-proxy-main.ts'), [upstream])
  const ended = once(child, 'exit')
  const answer = async (): Promise<unknown> => {
    const [message] = await Promise.race([once(child, 'message'), ended.then(() => failed())])
    return message
  }
  const endpoint = await answer()
  if (typeof endpoint !== 'string') throw new Error('The counting proxy did not say where it listens.')
  return {
    endpoint,
    async takeSent() {
      const counted = answer()
      child.send('count')
      const message = await counted
      if (!isSent(message)) throw new Error('The counting proxy did not say what it counted.')
      return message
    },
    async stop() {
      child.disconnect()
      await ended
    },
  }
}

function failed(): never {
  throw new Error('The counting proxy ended.')
}

function isSent(message: unknown): message is Sent {
  return typeof message === 'object' && message !== null && 'bytes' in message && 'requests' in message
}
