import type { IncomingMessage } from 'node:http'

import { seeded } from '../seeded.ts'
import type { FaultProxy } from './fault-proxy.ts'

type Fault = Parameters<FaultProxy['always']>[1]

export interface RandomFaults {
  /** Of all requests that come; 0.2 is a fifth. */
  share: number
  seed: number
  /** Requests that the server itself can't bear to fail. */
  spared?: (request: IncomingMessage) => boolean
  /** Requests that can't be made again once the server has seen them. */
  once?: (request: IncomingMessage) => boolean
}

const beforeTheServer: Fault[] = [
  { type: 'refuse' },
  { type: 'answer', status: 503, body: '' },
  { type: 'answer', status: 500, body: 'not what was expected' },
  { type: 'answer', status: 429, headers: { 'retry-after': '0' }, body: '' },
]

/** Requests fail by chance from now on, in all the ways that making them again mends. */
export function failByChance(proxy: FaultProxy, { share, seed, spared, once }: RandomFaults): void {
  const chance = seeded(seed)
  const fates = new WeakMap<IncomingMessage, Fault | undefined>()
  const fateOf = (request: IncomingMessage): Fault | undefined => {
    if (!fates.has(request)) fates.set(request, draw(request))
    return fates.get(request)
  }
  const draw = (request: IncomingMessage): Fault | undefined => {
    if (chance.fraction() >= share || spared?.(request) === true) return undefined
    const hasBody = Number(request.headers['content-length'] ?? 0) > 0
    return chance.pick([
      ...beforeTheServer,
      ...(hasBody ? [brokenBody] : []),
      ...(once?.(request) === true ? [] : [lostAnswer]),
    ])
  }
  for (const fault of [...beforeTheServer, brokenBody, lostAnswer]) {
    proxy.always(request => fateOf(request) === fault, fault)
  }
}

const brokenBody: Fault = { type: 'reset' }
const lostAnswer: Fault = { type: 'lose-answer' }

/** Enough for what is wanted to come through, and quick. */
export const patience = { maxRetries: 15, firstWaitMs: 1, longestWaitMs: 5 }
