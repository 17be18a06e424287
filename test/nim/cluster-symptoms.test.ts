import { expect, it } from 'vitest'

import { clusterLogs } from '../../fixtures/stand-in/cluster-logs.ts'
import { clusterSymptoms, recogniseClusterSymptom } from '../../src/nim/cluster-symptoms.ts'

it.each(Object.entries(clusterLogs).flatMap(([code, lines]) => lines.map(line => [line, code])))(
  'is recognised: %s',
  (line, code) => {
    expect(recogniseClusterSymptom(['I1121 starting', line, 'exit status 1'])).toMatchObject({
      code,
      why: expect.stringContaining('It says: '),
      next: expect.any(String),
    })
  },
)

it('has a text for every cause that it knows', () => {
  expect(Object.keys(clusterLogs).toSorted()).toEqual(clusterSymptoms.map(({ code }) => code).toSorted())
})

it.each(['Selected profile: 4e0d (vllm-bf16-tp1)', 'uvicorn running on http://0.0.0.0:8000', 'Pulled image in 402ms'])(
  'is not read into: %s',
  line => {
    expect(recogniseClusterSymptom([line])).toBeUndefined()
  },
)
