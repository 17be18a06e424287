import type { IncomingMessage } from 'node:http'

import { seeded } from '../seeded.ts'
import type { FaultProxy } from './fault-proxy.ts'

type Fits = (request: IncomingMessage) => boolean

export interface Exceptions {
  /** What this server can't bear to fail. */
  spared?: Fits
  /** What may be made once only: it loses no answer, as no client could tell then who has created the object. */
  once?: Fits
  /** What asks for the content of an object: its answer does not break off, as the contract asks for no rest. */
  content?: Fits
}

/**
 * From now on one of each five requests fails, in the next of these ways: the service is busy, nobody is there, the
 * connection breaks while the body is sent, the answer is lost or breaks off. Which of the five, chance says, the same in
 * each run: with requests side by side, a fixed one could be the same request's again and again.
 *
 * @param busy what this kind of store answers where it asks for patience.
 */
export function failEveryFifth(
  proxy: FaultProxy,
  busy: { status: number; headers?: Record<string, string>; body: string },
  exceptions: Exceptions = {},
) {
  let count = 0
  const random = seeded(1)
  const unlucky: number[] = []
  const failing = new WeakMap<IncomingMessage, number>()
  const nth = (wanted: number) => (request: IncomingMessage) => {
    if (!failing.has(request)) failing.set(request, count++)
    const number = failing.get(request) ?? 0
    const group = Math.floor(number / 5)
    const chosen = (unlucky[group] ??= random.below(5))
    if (number % 5 !== chosen || exceptions.spared?.(request) === true) return false
    return kindFor(request, group, exceptions) === wanted
  }
  proxy.always(nth(0), { type: 'answer', ...busy })
  proxy.always(nth(1), { type: 'refuse' })
  proxy.always(nth(2), { type: 'reset' })
  proxy.always(nth(3), { type: 'lose-answer' })
  proxy.always(nth(4), { type: 'cut-answer' })
}

const kinds = 5

function kindFor(request: IncomingMessage, turn: number, { once = isConditional, content }: Exceptions): number {
  const { method, headers } = request
  const kind = turn % kinds
  if (kind === 2 && (headers['content-length'] ?? '0') === '0') return 0
  if (kind === 3 && once(request)) return 1
  // An answer without a body can't break off.
  return kind === 4 && (method !== 'GET' || content?.(request) === true) ? 0 : kind
}

function isConditional({ headers }: IncomingMessage): boolean {
  return headers['if-none-match'] !== undefined
}
