import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'

import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { crc32c } from '../system/hash.ts'
import { type DoctorFinding, look } from './look.ts'

export interface WriteQuestion {
  /** What the findings begin with. */
  name: string
  store: Store
  /** Bytes that are to be transferred; absent: nothing is measured. */
  transferBytes?: number
  signal: AbortSignal
}

/**
 * Proves what an upload needs, with a small object that is removed again, whatever fails between. A failure of one step
 * says nothing of the others, but without the first there is nothing to try.
 */
export async function examineWriting(question: WriteQuestion): Promise<DoctorFinding[]> {
  const { name, store, transferBytes, signal } = question
  // Two that look at once do not meet.
  const key = `.nimctl/doctor-${randomBytes(8).toString('hex')}`
  const bytes = Buffer.from('nimctl doctor')
  const findings: DoctorFinding[] = []
  const step = async (what: string, make: () => Promise<string>) => {
    const finding = await look(`${name}: ${what}`, make)
    findings.push(finding)
    return finding.status !== 'failed'
  }
  try {
    const written = await step('write', async () => {
      await store.put(key, bytes, { crc32c: crc32c(bytes) }, { signal })
      const { crc32c: sum } = (await store.stat(key, { signal })) ?? {}
      return sum === undefined ? 'permitted; keeps no checksum' : 'permitted; keeps CRC32C of whole objects'
    })
    if (!written) return findings
    await step('list', () => findInListing(store, key, signal))
    await step('read', async () => {
      const found = await buffer(await store.read(key, undefined, { signal }))
      if (!found.equals(bytes)) throw notAsWritten(key)
      return 'permitted'
    })
    if (transferBytes !== undefined) await step('throughput', () => measure(store, key, transferBytes, signal))
  } finally {
    // Also what arrived although its answer did not, and after Ctrl-C.
    await step('delete', () => removeProbe(store, key))
  }
  return findings
}

async function findInListing(store: Store, key: string, signal: AbortSignal): Promise<string> {
  if (store.capabilities.listing === 'none') return 'not offered: it is asked for each key'
  const { objects } = await store.list(key, undefined, { signal })
  if (!objects.some(object => object.key === key)) throw notAsWritten(key)
  return 'permitted, and shows what was just written'
}

async function removeProbe(store: Store, key: string): Promise<string> {
  const signal = AbortSignal.timeout(removeMs)
  await store.remove(key, { signal })
  if ((await store.stat(key, { signal })) !== undefined) throw notAsWritten(key)
  return 'permitted; nothing is left'
}

const removeMs = 60_000

function notAsWritten(key: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `The store does not show ${key} as it was just written or removed.`,
    next: 'A cache in front of the store may answer with what was: ask the store itself.',
    mend: 'not',
  })
}

const pieceBytes = 4 * 1024 * 1024
const pieces = 4
const measureMs = 3_000
const mostRounds = 16

/** Writes the same few objects again and again for some seconds; each is removed at the end. */
async function measure(store: Store, key: string, transferBytes: number, signal: AbortSignal): Promise<string> {
  const bytes = randomBytes(Math.min(pieceBytes, store.capabilities.maxPut))
  const sums = { crc32c: crc32c(bytes) }
  const keys = Array.from({ length: pieces }, (_, index) => `${key}-${index + 1}`)
  const started = performance.now()
  let sent = 0
  try {
    for (let round = 0; round < mostRounds && performance.now() - started < measureMs; round += 1) {
      await allDone(keys.map(each => store.put(each, bytes, sums, { signal })))
      sent += bytes.length * keys.length
    }
  } finally {
    await removeAll(store, keys)
  }
  const perSecond = sent / ((performance.now() - started) / 1000)
  const hours = transferBytes / perSecond / 3600
  const rate = `${(perSecond / 1e6).toPrecision(3)} MB/s with ${pieces} requests at once`
  return `${rate}; ${(transferBytes / 1e9).toPrecision(3)} GB take some ${hours.toPrecision(2)} h, with more requests less`
}

async function removeAll(store: Store, keys: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(removeMs)
  await allDone(keys.map(key => store.remove(key, { signal })))
}

/** What is still on its way when another fails has to end first: it could not be removed. */
async function allDone(requests: Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(requests)) if (outcome.status === 'rejected') throw outcome.reason
}
