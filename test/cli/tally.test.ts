import { describe, expect, it } from 'vitest'

import { openTally, type Tally } from '../../src/cli/render/tally.ts'
import type { ProgressEvent } from '../../src/system/progress.ts'

const mebibyte = 2 ** 20

/** A tally, and the clock that it goes by. */
function aTally(...events: ProgressEvent[]): { tally: Tally; add: Tally['add']; wait: (seconds: number) => void } {
  let nowMs = 1_000_000
  const tally = openTally(() => nowMs)
  for (const event of events) tally.add(event)
  return { tally, add: event => tally.add(event), wait: seconds => (nowMs += seconds * 1000) }
}

const download: ProgressEvent = { event: 'started', task: 'download', totalBytes: 1000 * mebibyte, totalFiles: 10 }
const bytes = (mebibytes: number, more: { destination?: string; resumed?: boolean } = {}): ProgressEvent => ({
  event: 'bytes',
  key: 'a',
  bytes: mebibytes * mebibyte,
  ...more,
})
const [near, far] = ['file:///near/', 's3://far/models/']
const uploadTo = (...urls: string[]): ProgressEvent[] => [
  { event: 'started', task: 'upload', totalBytes: urls.length * 100 * mebibyte, totalFiles: urls.length * 3 },
  ...urls.map((destination): ProgressEvent => ({
    event: 'phase',
    destination,
    phase: 'send',
    totalBytes: 100 * mebibyte,
    totalFiles: 3,
  })),
]
const copied = (destination: string): ProgressEvent => ({ event: 'finished', destination, key: 'b', action: 'copied' })

describe('the rate', () => {
  it('is that of the last 20 seconds, not of the whole run', () => {
    const { tally, add, wait } = aTally(download)
    for (let second = 0; second < 60; second++) {
      wait(1)
      add(bytes(second < 30 ? 1 : 10))
    }
    expect(tally.describe()).toEqual(['download  330 MiB of 1000 MiB  0 of 10 files  10.0 MiB/s  1:07 left'])
  })

  it('falls while nothing arrives, and nobody knows the time left then', () => {
    const { tally, add, wait } = aTally(download)
    wait(10)
    add(bytes(100))
    expect(tally.describe()).toEqual(['download  100 MiB of 1000 MiB  0 of 10 files  10.0 MiB/s  1:30 left'])
    wait(30)
    expect(tally.describe()).toEqual(['download  100 MiB of 1000 MiB  0 of 10 files  0 B/s  0:40'])
  })

  it('is no better for what was there already', () => {
    const { tally, add, wait } = aTally(download)
    add(bytes(900, { resumed: true }))
    wait(10)
    add(bytes(10))
    expect(tally.describe()).toEqual(['download  910 MiB of 1000 MiB  0 of 10 files  1.0 MiB/s  1:30 left'])
  })
})

describe('destinations', () => {
  it('have a line each, with their own bytes, files, rate and time left', () => {
    const { tally, add, wait } = aTally(...uploadTo(near, far))
    wait(10)
    add(bytes(50, { destination: near }))
    add({ event: 'finished', destination: near, key: 'a', action: 'uploaded' })
    add(bytes(20, { destination: far }))
    expect(tally.describe()).toEqual([
      'upload file:///near/     50.0 MiB of 100 MiB  1 of 3 files  5.0 MiB/s  0:10 left',
      'upload s3://far/models/  20.0 MiB of 100 MiB  0 of 3 files  2.0 MiB/s  0:40 left',
    ])
  })

  it('are not named where there is one', () => {
    const { tally, add, wait } = aTally(...uploadTo(far))
    wait(10)
    add(bytes(20, { destination: far }))
    expect(tally.describe()).toEqual(['upload  20.0 MiB of 100 MiB  0 of 3 files  2.0 MiB/s  0:40 left'])
  })

  it.each([70, 60, 40])('fit into %d columns', width => {
    const { tally, add, wait } = aTally(...uploadTo(near, `${far}a/very/long/prefix/with/the/name/at/its/end/`))
    wait(10)
    add(bytes(20, { destination: near }))
    const lines = tally.describe(width)
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width)
    expect(lines[1]).toContain('…')
    expect(lines[1]).toContain('end/')
  })
})

describe('after the bytes', () => {
  const sent = () => {
    const { tally, add, wait } = aTally(...uploadTo(far))
    wait(10)
    add(bytes(100, { destination: far }))
    add({ event: 'finished', destination: far, key: 'a', action: 'uploaded' })
    return { tally, add, wait }
  }

  it('copies on the server count on, and tell the time left', () => {
    const { tally, add, wait } = sent()
    add({ event: 'phase', destination: far, phase: 'copy' })
    wait(10)
    add(copied(far))
    expect(tally.describe()).toEqual(['upload  copying  100 MiB of 100 MiB  2 of 3 files  0:10 left'])
  })

  it('what is verified counts anew', () => {
    const { tally, add } = sent()
    add({ event: 'phase', destination: far, phase: 'verify', totalFiles: 4 })
    add({ event: 'finished', destination: far, key: 'a', action: 'checked' })
    expect(tally.describe()).toEqual(['upload  verifying  100 MiB of 100 MiB  1 of 4 files  0:10'])
    add({ event: 'phase', destination: far, phase: 'done' })
    expect(tally.describe()[0]).toContain('complete')
  })

  it('what is removed is no file of the upload', () => {
    const { tally, add } = sent()
    add({ event: 'finished', destination: far, key: 'old', action: 'removed' })
    expect(tally.describe()[0]).toContain('1 of 3 files')
  })
})

it('says nothing of bytes where none are to be sent', () => {
  const { tally, add } = aTally(...uploadTo(far))
  add({ event: 'phase', destination: far, phase: 'copy', totalBytes: 0 })
  expect(tally.describe()).toEqual(['upload  copying  0 of 3 files  0:00'])
})

it('takes the totals that turn out while it compares', () => {
  const { tally, add } = aTally(...uploadTo(far))
  add({ event: 'phase', destination: far, phase: 'send', totalBytes: 150 * mebibyte })
  expect(tally.describe()).toEqual(['upload  0 B of 150 MiB  0 of 3 files  0:00'])
})
