import { PassThrough } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { renderDocument } from '../../src/cli/render/document.ts'
import { renderError } from '../../src/cli/render/error.ts'
import { renderEvidence } from '../../src/cli/render/evidence.ts'
import { formatBytes, formatSeconds } from '../../src/cli/render/format.ts'
import { renderJunit } from '../../src/cli/render/junit.ts'
import { openJsonRenderer, openPlainRenderer } from '../../src/cli/render/lines.ts'
import { renderReport } from '../../src/cli/render/report.ts'
import { renderTable } from '../../src/cli/render/table.ts'
import { openCheckLog, type Check, type CheckReport, type CheckSummary } from '../../src/system/check.ts'
import { NimctlError } from '../../src/system/errors.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'

it.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [150 * 1024, '150 KiB'],
  [2.5 * 2 ** 30, '2.5 GiB'],
])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

it.each([
  [0, '0:00'],
  [67.4, '1:07'],
  [3723, '1:02:03'],
])('%d seconds are %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text))

it('sets columns without lines', () => {
  expect(
    renderTable(
      ['A', 'LONG'],
      [
        ['value', 'x'],
        ['y', ''],
      ],
    ),
  ).toBe('A       LONG\nvalue   x\ny')
})

const events: ProgressEvent[] = [
  { event: 'started', task: 'upload', totalBytes: 2048, totalFiles: 2 },
  { event: 'bytes', key: 'a', bytes: 1024 },
  { event: 'finished', key: 'a', action: 'uploaded' },
  { event: 'request', operation: 'put a', durationMs: 5, outcome: 'ok' },
  { event: 'retrying', operation: 'put b', attempt: 1, waitMs: 1500, reason: 'The store is busy.' },
  { event: 'warning', code: 'X', message: 'Look out.' },
  { event: 'log', source: 'skopeo', line: 'Copying blob' },
]

function play(verbose: boolean, minutes: number): string {
  const stream = new PassThrough()
  let nowMs = 0
  const { report } = openPlainRenderer(stream, { verbose, now: () => nowMs })
  for (const event of events) report(event)
  nowMs = minutes * 60_000
  report({ event: 'bytes', key: 'b', bytes: 512 })
  report({ event: 'ended', task: 'upload' })
  return String(stream.read())
}

describe('plain lines', () => {
  it('say once what happens, and every 30 seconds how far it is', () => {
    expect(play(false, 1)).toBe(`upload: started
Trying put b again in 1.5 s (attempt 1): The store is busy.
Warning: Look out.
skopeo| Copying blob
upload  1.5 KiB of 2.0 KiB  1 of 2 files  26 B/s  0:20 left
upload  1.5 KiB of 2.0 KiB  1 of 2 files  26 B/s  0:20 left
`)
  })

  it('say everything with --verbose', () => {
    expect(play(true, 0)).toContain('uploaded a\nput a: ok (5 ms)\n')
  })
})

it('JSON lines are the events as they are', () => {
  const stream = new PassThrough()
  const { report } = openJsonRenderer(stream)
  for (const event of events) report(event)
  const lines = String(stream.read()).trim().split('\n')
  expect(lines.map(line => JSON.parse(line))).toEqual(events)
})

describe('errors', () => {
  it('are sentences for people and fields for scripts, without secrets', () => {
    const error = new NimctlError('auth', 'ACCESS_DENIED', {
      what: 'https://user:pw@host refused nvapi-abcdefgh1234.',
      why: 'It said no.',
      next: 'Ask.',
    })
    expect(renderError(error)).toEqual({
      exitCode: 4,
      text: 'Error: https://**redacted**@host refused **redacted**.\nIt said no.\nAsk.',
      json: {
        formatVersion: 1,
        kind: 'Error',
        category: 'auth',
        code: 'ACCESS_DENIED',
        exitCode: 4,
        what: 'https://**redacted**@host refused **redacted**.',
        why: 'It said no.',
        next: 'Ask.',
      },
    })
  })

  it('that nobody expected show where they come from', () => {
    expect(renderError(new Error('boom'))).toMatchObject({
      exitCode: 1,
      json: { category: 'unexpected', code: 'UNEXPECTED' },
    })
  })
})

async function reportOf(target: string, summary: CheckSummary, checks: readonly Check[]): Promise<CheckReport> {
  const log = openCheckLog()
  for (const check of checks) await log.add(check)
  return log.report(target, summary)
}

it('a report shows failures first and counts what is well', async () => {
  const summary = { models: ['m:1'], profiles: [], files: 3, bytes: 2048 }
  const text = await renderReport(
    await reportOf('s3://b/p/', summary, [
      { name: 'store.inventory', status: 'ok', method: 'structure' },
      { name: 'store.extra', status: 'warning', method: 'structure', path: 'x' },
      {
        name: 'store.blob-size',
        status: 'failed',
        method: 'size',
        path: 'blobs/a',
        expected: '3 bytes',
        found: '2 bytes',
        next: 'Upload again.',
      },
    ]),
  )
  expect(text).toBe(`✗ store.blob-size: blobs/a: expected 3 bytes, found 2 bytes
    Upload again.
! store.extra: x
✓ 1 check passed (structure).
s3://b/p/ is NOT complete: 3 files, 2.0 KiB, 1 model, 0 profiles.`)
})

const ofOneObject = { models: [], profiles: [], files: 1, bytes: 1 }

it('JUnit XML says what failed, what nobody can prove and what warns, whatever the names hold', async () => {
  const report = await reportOf('s3://b/?a=1&b=<"', ofOneObject, [
    {
      name: 'store.blob-size',
      status: 'failed',
      method: 'size',
      path: 'new\nline\u0007',
      expected: '3 bytes',
      found: '2',
    },
    { name: 'store.blob-checksum', status: 'not-provable', method: 'size', path: 'lone\uD800', next: 'Use --deep.' },
    { name: 'store.extra', status: 'warning', method: 'structure', path: 'x' },
    { name: 'store.inventory', status: 'ok', method: 'structure' },
  ])
  expect((await Array.fromAsync(renderJunit(report))).join('')).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nimctl validate" tests="4" failures="1" errors="0" skipped="1">
<testsuite name="s3://b/?a=1&amp;b=&lt;&quot;" tests="4" failures="1" errors="0" skipped="1">
<properties><property name="ok" value="false"/></properties>
<testcase classname="store" name="store.blob-size new&#10;line\uFFFD"><failure type="store.blob-size" message="expected 3 bytes, found 2">expected 3 bytes, found 2</failure></testcase>
<testcase classname="store" name="store.extra x"><system-out>structure</system-out></testcase>
<testcase classname="store" name="store.blob-checksum lone\uFFFD"><skipped message="Use --deep."/></testcase>
<testcase classname="store" name="store.inventory"/>
</testsuite>
</testsuites>
`)
})

it('evidence says when, with what, at what, and by which method', async () => {
  const report = await reportOf('s3://b/', { ...ofOneObject, inventoryDigest: 'sha256:12', authenticatedAs: 'me' }, [
    { name: 'store.inventory', status: 'ok', method: 'structure' },
  ])
  const text = (await Array.fromAsync(renderEvidence(report, new Date(0)))).join('')
  expect(JSON.parse(text)).toMatchObject({
    kind: 'CheckEvidence',
    checkedAt: '1970-01-01T00:00:00.000Z',
    tool: expect.stringMatching(/^nimctl \d/),
    target: 's3://b/',
    ok: true,
    summary: { inventoryDigest: 'sha256:12', authenticatedAs: 'me' },
    byMethod: { structure: { ok: 1 } },
    checks: [{ name: 'store.inventory' }],
  })
})

it('a report of a broken store ends', async () => {
  const checks = Array.from({ length: 5000 }, (_, index): Check => ({
    name: 'store.blob-missing',
    status: 'failed',
    method: 'structure',
    path: `blobs/${index}`,
  }))
  const summary = { models: [], profiles: [], files: 5000, bytes: 0 }
  const lines = (await renderReport(await reportOf('s3://b/', summary, checks))).split('\n')
  expect(lines.slice(999)).toEqual([
    '✗ store.blob-missing: blobs/999',
    '✗ 4000 more failed: --json has them all.',
    '✓ 0 checks passed.',
    's3://b/ is NOT complete: 5000 files, 0 B, 0 models, 0 profiles.',
  ])
})

it.each([[[]], [[1]], [[1, { a: 'b' }]], [Array.from({ length: 50_000 }, (_, index) => index)]])(
  'a document in pieces is the same document (%#)',
  async checks => {
    const pieces = await Array.fromAsync(renderDocument({ kind: 'CheckReport' }, 'checks', checks))
    expect(pieces.join('')).toBe(`${JSON.stringify({ kind: 'CheckReport', checks })}\n`)
  },
)
