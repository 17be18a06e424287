import { expect, it } from 'vitest'

import { openCheckLog, type Check, type CheckPolicy } from '../../src/system/check.ts'

const checks: Check[] = [
  { name: 'store.extra', status: 'warning', method: 'structure', path: 'x' },
  { name: 'store.blob-size', status: 'failed', method: 'size', path: 'b' },
  { name: 'store.blob-checksum', status: 'not-provable', method: 'size', path: 'c' },
  { name: 'store.inventory', status: 'ok', method: 'structure' },
]

async function judge(policy?: CheckPolicy) {
  const log = openCheckLog(policy)
  for (const check of checks) await log.add(check)
  const report = log.report('target', { models: [], profiles: [], files: 0, bytes: 0 })
  const names = (await Array.fromAsync(report.checks)).map(({ name }) => name)
  const again = (await Array.fromAsync(report.checks)).map(({ name }) => name)
  expect(again).toEqual(names)
  await log.close()
  return { ok: report.ok, names, partial: report.partial }
}

it('is bad when a check failed, and shows the worst first', async () => {
  const names = ['store.blob-size', 'store.extra', 'store.blob-checksum', 'store.inventory']
  expect(await judge()).toEqual({ ok: false, names, partial: false })
})

it.each<[string, CheckPolicy, boolean, string[]]>([
  [
    'leaves out by name',
    { skip: ['store.blob-size'], failOn: 'failed' },
    true,
    ['store.extra', 'store.blob-checksum', 'store.inventory'],
  ],
  ['leaves out by beginning', { skip: ['store.blob-*'], failOn: 'failed' }, true, ['store.extra', 'store.inventory']],
  ['takes some only', { only: ['store.in*'], failOn: 'warning' }, true, ['store.inventory']],
  ['fails on warnings', { only: ['store.extra'], failOn: 'warning' }, false, ['store.extra']],
  [
    'fails on what nobody can prove',
    { only: ['store.blob-checksum'], failOn: 'warning' },
    false,
    ['store.blob-checksum'],
  ],
  [
    'leaves out what it was told to take and to leave out',
    { only: ['store.*'], skip: ['*'], failOn: 'warning' },
    true,
    [],
  ],
])('%s', async (_, policy, ok, names) => {
  expect(await judge(policy)).toEqual({ ok, names, partial: true })
})

it('counts by status and by method', async () => {
  const log = openCheckLog()
  for (const check of checks) await log.add(check)
  const { counts, byMethod } = log.report('target', { models: [], profiles: [], files: 0, bytes: 0 })
  expect(counts).toEqual({ ok: 1, warning: 1, failed: 1, 'not-provable': 1 })
  expect(byMethod.size).toEqual({ ok: 0, warning: 0, failed: 1, 'not-provable': 1 })
  await log.close()
})
