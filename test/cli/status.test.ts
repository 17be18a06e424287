import { expect, it } from 'vitest'

import { renderStatus } from '../../src/cli/render/status.ts'
import type { StatusReport } from '../../src/status/report.ts'

const report: StatusReport = {
  ok: false,
  target: 'NIMService/llama',
  namespace: 'nim',
  state: 'failed',
  objects: [
    { kind: 'NIMService', name: 'llama', state: 'in-progress', says: 'NotReady', findings: [] },
    { kind: 'NIMCache', name: 'llama', parent: 'NIMService/llama', state: 'ready', says: 'Ready', findings: [] },
    {
      kind: 'Deployment',
      name: 'llama',
      parent: 'NIMService/llama',
      state: 'in-progress',
      says: '0/1 available',
      findings: [],
    },
    { kind: 'Pod', name: 'llama-x', parent: 'Deployment/llama', state: 'failed', says: 'Error', findings: [] },
  ],
  cause: {
    object: 'Pod/llama-x',
    code: 'CONTAINER_FAILED',
    severity: 'failed',
    what: 'The container ended with an error.',
    why: 'The container nim ended with 1.',
    next: 'Its log says why.',
    log: ['one', 'two'],
  },
}

it('shows the objects as a tree, then what is wrong, then the answer', () => {
  expect(renderStatus(report)).toBe(`OBJECT                 SAYS
… NIMService/llama     NotReady
  ✓ NIMCache/llama     Ready
  … Deployment/llama   0/1 available
    ✗ Pod/llama-x      Error

Pod/llama-x: The container ended with an error. (CONTAINER_FAILED)
    The container nim ended with 1.
    | one
    | two
Its log says why.

NIMService/llama is NOT ready: look at Pod/llama-x.`)
})

it('shows notes of all objects behind the cause', () => {
  const finding = {
    code: 'PULL_SECRET_MISSING',
    severity: 'note' as const,
    what: 'A Secret is missing.',
    next: 'Make it.',
  }
  const progress = { code: 'CACHE_JOB_RUNS', severity: 'progress' as const, what: 'It runs.' }
  const [first, ...others] = report.objects
  if (first === undefined) throw new Error('no objects')
  const shown = renderStatus({ ...report, objects: [{ ...first, findings: [finding, progress] }, ...others] })
  expect(shown).toContain('\nAlso NIMService/llama: A Secret is missing. (PULL_SECRET_MISSING)\nMake it.\n')
  expect(shown).not.toContain('CACHE_JOB_RUNS')
})

it.each([
  [{ state: 'ready' as const, cause: undefined }, 'NIMService/llama is ready.'],
  [{ state: 'in-progress' as const, cause: undefined }, 'NIMService/llama is on its way.'],
  [{ state: 'in-progress' as const }, 'NIMService/llama is on its way, and waits for Pod/llama-x.'],
  [{ state: 'stuck' as const }, 'NIMService/llama is NOT ready: look at Pod/llama-x.'],
])('ends with the answer: %o', (more, last) => {
  const { cause, ...rest } = { ...report, ...more }
  const shown = renderStatus({ ...rest, ...(cause !== undefined && { cause }) })
  expect(shown.split('\n').at(-1)).toBe(last)
})
