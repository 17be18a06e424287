import { beforeAll, expect, it } from 'vitest'

import { crdLeaves, setLeaves } from './crd-leaves.ts'
import { emitFlags, flagsInRows } from './emit-coverage.ts'
import { makeEmitPlace } from './emit-place.ts'
import { emitRows, isFor } from './emit-rows.ts'
import { emitRow } from './emitted.ts'
import { notEmitted } from './not-emitted.ts'

const newest = 'main'

let set: Set<string>
beforeAll(async () => {
  const place = await makeEmitPlace()
  const rows = emitRows.filter(row => isFor(row, newest))
  const emitted = await Promise.all(rows.map(row => emitRow(row, { version: newest, place })))
  set = setLeaves(
    emitted.flatMap(({ objects }) => objects),
    newest,
  )
})

const isBelow = (leaf: string, path: string) =>
  leaf === path || leaf.startsWith(`${path}.`) || leaf.startsWith(`${path}[`)

it('every flag of emit stands in a row that a real API server is asked about', async () => {
  const inRows = flagsInRows(emitRows)
  expect((await emitFlags()).filter(flag => !inRows.has(flag))).toEqual([])
})

it('every field of the CRDs is set by a row, or has a reason why not', () => {
  const without = crdLeaves(newest).filter(
    leaf => !set.has(leaf) && !notEmitted.some(({ path }) => isBelow(leaf, path)),
  )
  expect(without).toEqual([])
})

it('no reason is given where all is set, or where there is no field', () => {
  const leaves = crdLeaves(newest)
  const idle = notEmitted.filter(({ path }) => !leaves.some(leaf => isBelow(leaf, path) && !set.has(leaf)))
  expect(idle).toEqual([])
})
