import { expect, it } from 'vitest'

import type { Cluster } from '../../src/kubernetes/cluster.ts'
import type { AnyObject } from '../../src/kubernetes/objects.ts'
import { parseTarget } from '../../src/status/target.ts'
import { waitForStatus } from '../../src/status/wait.ts'
import { NimctlError } from '../../src/system/errors.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { standInCluster } from '../kubernetes/stand-in-cluster.ts'
import { nimObject, status } from './objects.ts'

const spec = { storage: { pvc: { create: true } } }
const cache = (state: string) => nimObject('NIMCache', 'llama', { spec, ...status(state) })
const busy = new NimctlError('unavailable', 'CLUSTER_BUSY', { what: 'etcd is away.' })

/** A cluster in which the NIMCache goes through states, one each time that it is asked for; the last one stays. */
function changing(states: (AnyObject | Error)[]): Cluster {
  const now = () => (states.length > 1 ? states.shift() : states[0])
  const cluster = standInCluster({})
  return {
    ...cluster,
    readObject: async (address, signal) => {
      if (address.kind !== 'NIMCache') return cluster.readObject(address, signal)
      const state = now()
      if (state instanceof Error) throw state
      return state === undefined ? { answer: 'absent' } : { answer: 'found', value: state }
    },
  }
}

async function wait(states: (AnyObject | Error)[], timeoutMs = 60_000) {
  const events: ProgressEvent[] = []
  const settings = {
    timeoutMs,
    signal: new AbortController().signal,
    report: (event: ProgressEvent) => void events.push(event),
  }
  const report = await waitForStatus(changing(states), parseTarget('nimcache/llama'), settings)
  return { report, events }
}

it('waits until the object is ready, and says each change once', async () => {
  const { report, events } = await wait([cache('Started'), cache('Started'), cache('InProgress'), cache('Ready')])
  expect(report).toMatchObject({ ok: true, state: 'ready' })
  expect(events).toEqual([
    { event: 'log', source: 'NIMCache/llama', line: 'Started' },
    { event: 'log', source: 'NIMCache/llama', line: 'InProgress' },
  ])
})

it('ends where the object has failed for good', async () => {
  const { report } = await wait([cache('InProgress'), cache('Failed')])
  expect(report).toMatchObject({ ok: false, state: 'failed' })
})

it('goes on where the API server is away for a moment', async () => {
  const { report } = await wait([cache('InProgress'), busy, cache('Ready')])
  expect(report.state).toBe('ready')
})

it('does not begin at an API server that is away', async () => {
  await expect(wait([busy])).rejects.toMatchObject({ code: 'CLUSTER_BUSY' })
})

it('says for what it waited when its time is over', async () => {
  const pending = nimObject('NIMCache', 'llama', {
    spec,
    ...status('Pending', { type: 'NIM_CACHE_JOB_PENDING', status: 'True', reason: 'JobPending' }),
  })
  await expect(wait([pending], 10)).rejects.toMatchObject({
    category: 'unavailable',
    code: 'STATUS_TIMEOUT',
    why: expect.stringContaining('It waits for NIMCache/llama: The Job that fills the cache'),
  })
})

it('stops when it is told to', async () => {
  const signal = AbortSignal.timeout(50)
  const settings = { timeoutMs: 60_000, signal, report: () => {} }
  await expect(waitForStatus(changing([cache('Pending')]), parseTarget('nimcache/llama'), settings)).rejects.toThrow(
    /aborted/,
  )
})
