import { describe, expect, it } from 'vitest'

import { makeJob } from '../../src/kubernetes/job.ts'
import { runJob } from '../../src/kubernetes/run-job.ts'
import { NimctlError } from '../../src/system/errors.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'
import { type Answers, podWith, standInCluster } from './stand-in-cluster.ts'

const settings = { nodeSelector: {}, tolerations: [] }
const job = makeJob({ task: 'test', settings, steps: [{ name: 'nim', image: 'i:1', command: ['x'] }] })
const { name } = job.metadata

const running = podWith({ running: {} })
const done = podWith({ terminated: { exitCode: 0, reason: 'Completed' } })
const at = (second: number, text: string) => `2026-11-21T18:00:0${second}.000000000Z ${text}\n`

async function run(answers: Answers, { stuckMs = 60_000, signal = new AbortController().signal } = {}) {
  const cluster = standInCluster(answers)
  const lines: string[] = []
  const reported: ProgressEvent[] = []
  const context = {
    cluster,
    signal,
    stuckMs,
    report: (event: ProgressEvent) => reported.push(event),
    onLine: (line: string) => lines.push(line),
  }
  const outcome = await runJob(job, context).then(
    results => ({ result: results.get('nim'), error: undefined }),
    (error: unknown) => ({ result: undefined, error }),
  )
  return { ...outcome, lines, reported, calls: cluster.calls }
}

describe('a Job that runs', () => {
  it('is created, followed and removed', async () => {
    const { result, lines, calls } = await run({
      pods: [[running], [done]],
      logs: [{ text: at(1, 'one') + at(2, 'two') }],
    })
    expect(result).toEqual({ exitCode: 0, outOfMemory: false, programMissing: false })
    expect(lines).toEqual(['one', 'two'])
    expect([calls[0], calls.at(-1)]).toEqual([`create ${name}`, `delete ${name}`])
  })

  it('shows each line once where the connection was cut in between', async () => {
    const logs = [
      { text: at(1, 'one') + at(2, 'two'), cut: true },
      { text: at(2, 'two') + at(3, 'three'), cut: true },
      { text: at(3, 'three') + at(4, 'four') },
    ]
    const { lines, calls } = await run({ pods: [[running], [running], [running], [done]], logs })
    expect(lines).toEqual(['one', 'two', 'three', 'four'])
    expect(calls).toContain('log since 2026-11-21T18:00:02.000000000Z')
  })

  it('goes on where the API server was away for a moment', async () => {
    const away = new NimctlError('unavailable', 'CLUSTER_UNREACHABLE', { what: 'away' })
    const { result } = await run({ pods: [[running], away, [done]], logs: [{ text: at(1, 'one') }] })
    expect(result).toMatchObject({ exitCode: 0 })
  })

  it.each([
    { title: 'memory', state: { terminated: { exitCode: 137, reason: 'OOMKilled' } }, result: { outOfMemory: true } },
    {
      title: 'a program that containerd does not find',
      state: {
        terminated: { exitCode: 128, reason: 'StartError', message: 'exec: "x": executable file not found in $PATH' },
      },
      result: { programMissing: true },
    },
    {
      title: 'a program that CRI-O does not find',
      state: { waiting: { reason: 'CreateContainerError', message: 'executable file `x` not found in $PATH' } },
      result: { programMissing: true },
    },
    { title: 'a bad end', state: { terminated: { exitCode: 3, reason: 'Error' } }, result: { exitCode: 3 } },
  ])('says how it ended: $title', async ({ state, result }) => {
    expect(await run({ pods: [[podWith(state)]] })).toMatchObject({ result })
  })
})

describe('a Job that does not run', () => {
  it('is removed when its pod was evicted', async () => {
    const evicted = { metadata: { name: 'pod-1' }, status: { phase: 'Failed', reason: 'Evicted' } }
    const { error, calls } = await run({ pods: [[running], [evicted]] })
    expect(error).toMatchObject({ code: 'POD_ENDED_BY_CLUSTER' })
    expect(calls.at(-1)).toBe(`delete ${name}`)
  })

  it('waits for what can pass, says so once, and gives up in the end', async () => {
    const message = '0/1 nodes are available: 1 Insufficient nvidia.com/gpu.'
    const pending = {
      metadata: { name: 'p' },
      status: { conditions: [{ type: 'PodScheduled', status: 'False', message }] },
    }
    const { error, reported } = await run({ pods: [[pending]] }, { stuckMs: 1500 })
    expect(error).toMatchObject({ code: 'POD_UNSCHEDULABLE', why: message })
    expect(reported).toMatchObject([{ event: 'warning', code: 'POD_WAITS' }])
  })

  it('ends when somebody else removes it', async () => {
    expect(await run({ pods: [[]] })).toMatchObject({ error: { code: 'JOB_GONE' } })
  })

  it('is not looked for where it was refused', async () => {
    const refused = new NimctlError('auth', 'CLUSTER_FORBIDDEN', { what: 'no' })
    expect(await run({ created: [refused] })).toMatchObject({ error: refused, calls: [`create ${name}`] })
  })

  it('is removed on Ctrl-C', async () => {
    const interrupt = new AbortController()
    const ended = run({ pods: [[running]] }, { signal: interrupt.signal })
    setTimeout(() => interrupt.abort('SIGINT'), 50)
    expect((await ended).calls.at(-1)).toBe(`delete ${name}`)
  })
})

describe('a Job that is there already', () => {
  it('is followed while it runs', async () => {
    const { result, reported } = await run({
      created: [false],
      jobs: [{ metadata: { name } }, undefined],
      pods: [[done]],
    })
    expect(result).toMatchObject({ exitCode: 0 })
    expect(reported).toMatchObject([{ code: 'JOB_FOLLOWED' }])
  })

  it('is made anew when it has ended', async () => {
    const ended = { status: { conditions: [{ type: 'Failed', status: 'True' }] } }
    const { calls } = await run({ created: [false, true], jobs: [ended, undefined], pods: [[done]] })
    expect(calls.slice(0, 3)).toEqual([`create ${name}`, `delete ${name}`, `create ${name}`])
  })
})
