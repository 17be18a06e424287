import type { IncomingMessage } from 'node:http'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { makeSeededCache } from '../campaign/seeded-cache.ts'
import type { Outcome } from '../e2e/nimctl.ts'
import { newSeed, seeded } from '../seeded.ts'
import { type FaultPlace, isPart, openFaultPlace, type Trial } from './fault-place.ts'

/** As long as docs/reliability.md promises at least, with nimctl's own retries and limits. */
const awayMs = 60_000

const makeCache = (root: string) => makeSeededCache(root, seeded(newSeed()), { smallFiles: 4 })

let place: FaultPlace
beforeAll(async () => {
  place = await openFaultPlace(inject('s3Env'), { makeCache })
})
afterAll(() => place.close())

/** Each begins in the middle of several files. */
const outages: Record<string, (trial: Trial) => void> = {
  'refuses connections': ({ proxy }) => {
    let parts = 0
    const atThirdPart = (request: IncomingMessage) => {
      if (isPart(request) && ++parts === 3) proxy.leave(awayMs)
      return false
    }
    proxy.always(atThirdPart, { type: 'stall' })
  },
  'accepts connections and never answers': ({ proxy }) => {
    let begun = 0
    let since = Number.POSITIVE_INFINITY
    const isAway = (request: IncomingMessage) => {
      if (isBeginning(request) && ++begun === 2) since = Date.now()
      return Date.now() >= since && Date.now() < since + awayMs
    }
    proxy.always(isAway, { type: 'stall' })
  },
}

/** Of a multipart upload. */
const isBeginning = ({ method, url = '' }: IncomingMessage) => method === 'POST' && /[?&]uploads/.test(url)

// Beside each other: they only wait.
describe.concurrent('a server that for 60 s', () => {
  it.each(Object.entries(outages))('%s is waited for, and the wait is told', { timeout: 300_000 }, async (_, begin) => {
    const trial = await place.begin()
    try {
      begin(trial)
      const outcome = await trial.run(trial.uploadArguments('--progress', 'json'))
      expect({ exitCode: outcome.exitCode, said: outcome.stderr.slice(-500) }).toMatchObject({ exitCode: 0 })
      const retries = eventsOf(outcome).filter(({ event }) => event === 'retrying')
      expect(retries.length).toBeGreaterThan(0)
      for (const { reason } of retries) expect(reason).toContain(`${trial.proxy.endpoint} could not be reached`)
      await trial.expectWhole()
    } finally {
      trial.stop()
    }
  })
})

function eventsOf({ stderr }: Outcome): Record<string, unknown>[] {
  return stderr.split('\n').flatMap(line => (line.startsWith('{') ? [JSON.parse(line)] : []))
}
