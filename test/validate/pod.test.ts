import type { V1Container, V1Pod } from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'

import type { Inventory } from '../../src/inventory/inventory.ts'
import { inventoryKey } from '../../src/inventory/inventory.ts'
import { openCheckLog } from '../../src/system/check.ts'
import { publishInventory } from '../../src/transfer/marker.ts'
import { validatePod, type ValidatePodRequest } from '../../src/validate/pod.ts'
import { type Answers, standInCluster } from '../kubernetes/stand-in-cluster.ts'
import { openMemoryStore } from '../transfer/memory-store.ts'

const served = 'a'.repeat(64)
const other = 'b'.repeat(64)
const hub = 'ngc/hub/models--nim--x'
const blob = `${hub}/blobs/11`
const link = `${hub}/snapshots/1/config.json`
const target = '../../blobs/11'
const signal = new AbortController().signal

const inventory: Inventory = {
  header: {
    formatVersion: 1,
    kind: 'Inventory',
    tool: 'nimctl/0',
    family: 'llm',
    profiles: [{ id: served, tags: {} }],
    models: ['nim/x:1'],
    layout: 'cache',
    links: 'copy',
    files: 2,
    bytes: 5,
  },
  entries: [
    { type: 'file', path: blob, size: 5, mode: 0o644, crc32c: '00000000' },
    { type: 'link', path: link, target, size: 5, crc32c: '00000000' },
  ],
}

const file = (path: string, size = 5) => `file\t${path}\t${size} 644 0 1`
const whole = [file(blob), `link\t${link}\t${target}`, 'end']
const listed = (lines: string[]) => ({ lines, outcome: { exitCode: 0, said: '' } })
const logOf = (...lines: string[]) => [{ text: lines.map(line => `2026-11-21T18:00:00.123456789Z ${line}\n`).join('') }]

const cacheVariable = { name: 'NIM_CACHE_PATH', value: '/model-store/' }

function podOf(container: Partial<V1Container> = {}, { ready = true, name = 'nim-0' } = {}): V1Pod {
  const status = { name: 'nim', image: '', imageID: '', restartCount: 2, ready, state: { running: {} } }
  return {
    metadata: { name },
    spec: {
      containers: [
        { name: 'proxy' },
        {
          name: 'nim',
          env: [cacheVariable],
          volumeMounts: [{ name: 'v', mountPath: '/model-store' }],
          ...container,
        },
      ],
    },
    status: { phase: 'Running', containerStatuses: [status] },
  }
}

const clean: Answers = { pods: [[podOf()]], exec: listed(whole), logs: logOf(`Selected profile: ${served} (vllm)`) }

async function reportPod(answers: Answers, more: Partial<ValidatePodRequest> = {}, alone?: true) {
  const store = openMemoryStore()
  await publishInventory(store, inventoryKey, { inventory, signal })
  const cluster = standInCluster({ ...clean, ...answers })
  const checks = openCheckLog()
  const pods = { name: 'nim-0' }
  try {
    const report = await validatePod({
      cluster,
      pods,
      ...(alone === undefined && { against: { store } }),
      checks,
      signal,
      report: () => {},
      ...more,
    })
    const found = await Array.fromAsync(report.checks)
    const bad = found.filter(({ status }) => status !== 'ok')
    return { ...report, calls: cluster.calls, checks: found, bad }
  } finally {
    await checks.close()
  }
}

it('a whole cache that is served gives no finding', async () => {
  const { bad, summary, calls, target: named } = await reportPod({})
  expect(bad).toEqual([])
  expect(named).toBe('pod/nim/nim-0')
  expect(summary).toMatchObject({ models: ['nim/x:1'], profiles: [served], files: 2, bytes: 5 })
  expect(calls).toEqual(['exec nim-0 nim /model-store', 'log since the beginning'])
})

it('takes a copy in place of a link, as other readers leave it', async () => {
  expect((await reportPod({ exec: listed([file(blob), file(link), 'end']) })).bad).toEqual([])
})

const downloads = 'INFO fetching filemap from: https://api.ngc.nvidia.com/v2/org/nim'
const key = { name: 'NGC_API_KEY', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }
const place = 'nim-0:/model-store'

interface Fault {
  title: string
  answers?: Answers
  more?: Partial<ValidatePodRequest>
  /** Nothing says what there should be. */
  alone?: true
  finding: object
}

const profileLog = logOf(`Selected profile: ${served}`, downloads)
const faults: Fault[] = [
  {
    title: 'a pod that is not ready',
    answers: { pods: [[podOf({}, { ready: false })]] },
    finding: { name: 'pod.running', status: 'warning', found: 'runs, is not ready; started again 2 times' },
  },
  {
    title: 'no such directory',
    answers: { exec: { lines: [], outcome: { exitCode: 2, said: "sh: 1: cd: can't cd to /model-store" } } },
    finding: { name: 'pod.files', status: 'failed', next: expect.stringContaining('--cache-path') },
  },
  {
    title: 'an image without a shell',
    answers: { exec: { lines: [], outcome: { exitCode: undefined, said: 'exec: "sh": executable file not found' } } },
    finding: { name: 'pod.files', status: 'not-provable', found: expect.stringContaining('executable file not found') },
  },
  {
    title: 'an image without stat',
    answers: { exec: listed([`file\t${blob}\t`, 'end']) },
    finding: { name: 'pod.files', status: 'not-provable' },
  },
  {
    title: 'an image without readlink',
    answers: { exec: listed([file(blob), `link\t${link}\t`, 'end']) },
    finding: { name: 'pod.files', status: 'not-provable' },
  },
  {
    title: 'a listing that does not come to its end',
    answers: { exec: listed([file(blob)]) },
    finding: { name: 'pod.files', status: 'not-provable' },
  },
  {
    title: 'an empty volume',
    answers: { exec: listed(['end']) },
    alone: true,
    finding: { name: 'pod.files', status: 'failed' },
  },
  {
    title: 'a file that is missing',
    answers: { exec: listed([file(blob), 'end']) },
    finding: { name: 'pod.file-missing', status: 'failed', path: `${place}/${link}`, expected: `a link to ${target}` },
  },
  {
    title: 'a file that is short',
    answers: { exec: listed([file(blob, 4), ...whole.slice(1)]) },
    finding: { name: 'pod.file-size', status: 'failed', path: `${place}/${blob}`, found: '4 bytes' },
  },
  {
    title: 'a link that leads elsewhere',
    answers: { exec: listed([file(blob), `link\t${link}\t../../blobs/22`, 'end']) },
    finding: { name: 'pod.link', status: 'failed', path: `${place}/${link}`, found: '../../blobs/22' },
  },
  {
    title: 'a broken link, where nothing says what there should be',
    answers: { exec: listed(whole.slice(1)) },
    alone: true,
    finding: { name: 'pod.link', status: 'failed', path: `${place}/${link}` },
  },
  {
    title: 'a file that nobody names',
    answers: { exec: listed([file('x.bin'), ...whole]) },
    finding: { name: 'pod.extra', status: 'warning', path: `${place}/x.bin` },
  },
  {
    title: 'an attempt to download without a key',
    answers: { logs: profileLog },
    finding: { name: 'pod.download', status: 'failed', found: downloads },
  },
  {
    title: 'a download with a key',
    answers: { pods: [[podOf({ env: [key, cacheVariable] })]], logs: profileLog },
    finding: { name: 'pod.download', status: 'warning' },
  },
  {
    title: 'another profile than was asked for',
    more: { profile: other.slice(0, 8) },
    finding: { name: 'pod.profile', status: 'failed', expected: other.slice(0, 8), found: `${served} (log)` },
  },
  {
    title: 'another profile than the variable names',
    answers: { pods: [[podOf({ env: [cacheVariable, { name: 'NIM_MODEL_PROFILE', value: other }] })]] },
    finding: { name: 'pod.profile', status: 'failed', expected: other, found: `${served} (log)` },
  },
  {
    title: 'an id that was asked for, and a description in its place',
    answers: {
      pods: [[podOf({ env: [cacheVariable, { name: 'NIM_MODEL_PROFILE', value: 'vllm-bf16-tp1' }] })]],
      logs: logOf('started'),
    },
    more: { profile: served },
    finding: { name: 'pod.profile', status: 'not-provable', found: expect.stringContaining('vllm-bf16-tp1') },
  },
  {
    title: 'a profile that the store does not have',
    answers: { logs: logOf(`Selected profile: ${other}`) },
    finding: { name: 'pod.profile', status: 'failed', expected: `one of ${served}` },
  },
  {
    title: 'a log that names no profile',
    answers: { logs: logOf('started') },
    finding: { name: 'pod.profile', status: 'not-provable' },
  },
]

describe('each fault is reported under its own name alone', () => {
  it.each(faults)('$title', async ({ answers = {}, more = {}, alone, finding }) => {
    expect((await reportPod(answers, more, alone)).bad).toEqual([expect.objectContaining(finding)])
  })
})

it('says why a pod does not run, and that its files can not be listed now', async () => {
  const waiting = { reason: 'CreateContainerConfigError', message: 'secret "ngc" not found' }
  const pod = podOf()
  pod.status = {
    phase: 'Pending',
    containerStatuses: [{ name: 'nim', image: '', imageID: '', restartCount: 0, ready: false, state: { waiting } }],
  }
  const { bad, calls } = await reportPod({ pods: [[pod]] })
  expect(bad).toMatchObject([
    { name: 'pod.running', status: 'failed', found: expect.stringContaining('CreateContainerConfigError') },
    { name: 'pod.files', status: 'not-provable' },
  ])
  expect(calls.filter(call => call.startsWith('exec'))).toEqual([])
})

it('finds the cache at the usual mount, in the container that mounts it', async () => {
  const mounted = podOf({ env: [], volumeMounts: [{ name: 'v', mountPath: '/opt/nim/.cache' }] })
  expect((await reportPod({ pods: [[mounted]] })).calls[0]).toBe('exec nim-0 nim /opt/nim/.cache')
  const native = podOf({ env: [], volumeMounts: [{ name: 'v', mountPath: '/model' }] })
  expect((await reportPod({ pods: [[native]] })).calls[0]).toBe('exec nim-0 nim /model')
})

it('looks into all pods of a selector', async () => {
  const second = podOf({}, { name: 'nim-1' })
  const { calls, summary } = await reportPod({ pods: [[podOf(), second]] }, { pods: { selector: 'app=nim' } })
  expect(calls.filter(call => call.startsWith('exec'))).toHaveLength(2)
  expect(summary.files).toBe(4)
})

it('does not run a command where only the log is asked for', async () => {
  const checks = openCheckLog({ only: ['pod.download'], failOn: 'failed' })
  const { calls, bad } = await reportPod({}, { checks })
  await checks.close()
  expect({ calls, bad }).toEqual({ calls: ['log since the beginning'], bad: [] })
})

it.each([
  { title: 'no such pod', answers: { pods: [[]] }, more: {}, code: 'POD_NOT_FOUND' },
  { title: 'no such container', answers: {}, more: { container: 'x' }, code: 'CONTAINER_NOT_FOUND' },
])('refuses $title', async ({ answers, more, code }) => {
  await expect(reportPod(answers, more)).rejects.toMatchObject({ code })
})
