import { expect, it } from 'vitest'

import { judgeCampaign } from './judge.ts'
import type { KillResult } from './kill.ts'
import type { Phase } from './phase.ts'

function kills(count: number, phase: Phase, how: Partial<KillResult> = {}): KillResult[] {
  return Array.from({ length: count }, () => ({
    command: 'upload',
    phase,
    stage: 'halfway',
    bytesMoved: true,
    againBytes: 0,
    problems: [],
    ...how,
  }))
}

const phases = ['create', 'complete', 'copy', 'inventory'] as const

const judge = (results: readonly KillResult[]) => judgeCampaign(results, phases)

/** 20 kills: five of each phase but `part`. */
const rare = phases.flatMap(phase => kills(5, phase))

it('has nothing against a full run that hit every phase', () => {
  expect(judge([...rare, ...kills(180, 'part')])).toEqual([])
})

it('wants bytes to move at four of five kills', () => {
  const moving = [...rare, ...kills(140, 'part')]
  expect(judge([...moving, ...kills(40, 'part', { bytesMoved: false })])).toEqual([])
  expect(judge([...moving, ...kills(41, 'part', { bytesMoved: false })])).toEqual([
    'Bytes moved at 160 of 201 kills: less than 80%.',
  ])
})

it('wants each phase hit five times, also one that was never hit', () => {
  const results = [...kills(200, 'part'), ...kills(4, 'create'), ...kills(5, 'complete'), ...kills(5, 'copy')]
  expect(judge(results)).toEqual(['create was hit 4 times, not 5.', 'inventory was hit 0 times, not 5.'])
})

it('asks of a short run only that nothing went wrong', () => {
  expect(judge(kills(199, 'put', { bytesMoved: false }))).toEqual([])
  expect(judge([...kills(9, 'put'), ...kills(1, 'put', { problems: ['a.json is gone.'] })])).toEqual([
    'After 1 of 10 kills something was not as it should be.',
  ])
})

it('takes no run for proof in which nothing was killed', () => {
  expect(judge([])).toEqual(['Nothing was killed.'])
})
