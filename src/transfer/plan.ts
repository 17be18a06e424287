import type { StoredObject } from '../stores/store.ts'
import { compareUtf8 } from '../system/utf8-order.ts'
import type { WantedObject } from './wanted.ts'

export type TransferStep =
  | { action: 'upload'; key: string; bytes: number; reason: 'missing' | 'different' | 'unproved'; wanted: WantedObject }
  | {
      action: 'copy'
      key: string
      bytes: number
      /** In the store of `origin`. */
      from: string
      origin: 'destination' | 'source'
      reason: 'missing' | 'different' | 'unproved'
      wanted: WantedObject
    }
  /** `same-size`: nothing is known of the file's content yet; it is read, and sent only if it differs. */
  | { action: 'skip'; key: string; bytes: number; reason: 'same-checksum' | 'same-size'; wanted: WantedObject }
  | { action: 'delete'; key: string; bytes: number; reason: 'extra' }

export type CopyStep = TransferStep & { action: 'copy' }

interface TransferTotals {
  uploadBytes: number
  copyBytes: number
  skipBytes: number
  deleteBytes: number
  files: number
}

export interface TransferPlan {
  steps: TransferStep[]
  totals: TransferTotals
}

export interface PlanInput {
  wanted: readonly WantedObject[]
  /** What lies under the prefix, with the checksums that the store gave, by key. */
  stored: ReadonlyMap<string, StoredObject>
  /** CRC32C of local files whose size, times and inode have not changed since it was computed, by path. */
  localSums: ReadonlyMap<string, number>
  /** CRC32C of stored objects whose listing has none, as far as it is known, by key. */
  remoteSums: ReadonlyMap<string, number>
  /** Content that lies under another key can be copied inside the store. */
  serverCopy: boolean
  /** Keys in the source by path, where it is a store whose objects this one can copy; empty otherwise. */
  originKeys: ReadonlyMap<string, string>
  /** Keys that may go because nothing wants them; empty without `--delete`. */
  deletable: Iterable<string>
}

/** Decides what an upload does, and does none of it. Big files come first, so that the end is not one long file. */
export function planUpload(input: PlanInput): TransferPlan {
  const wantedKeys = new Set(input.wanted.map(({ key }) => key))
  const planned: TransferStep[] = input.wanted.map(wanted => planObject(wanted, input))
  const steps = input.serverCopy ? reuseStored(planned, input) : planned
  for (const key of input.deletable) {
    if (!wantedKeys.has(key)) {
      steps.push({ action: 'delete', key, bytes: input.stored.get(key)?.size ?? 0, reason: 'extra' })
    }
  }
  steps.sort((a, b) => b.bytes - a.bytes || compareUtf8(a.key, b.key))
  return { steps, totals: sumUp(steps) }
}

function planObject(wanted: WantedObject, input: PlanInput): TransferStep {
  const { key, source, copyFrom } = wanted
  const bytes = source.size
  const reason = compare(wanted, input)
  if (reason === 'same-checksum' || reason === 'same-size') return { action: 'skip', key, bytes, reason, wanted }
  if (copyFrom !== undefined)
    return { action: 'copy', key, bytes, from: copyFrom, origin: 'destination', reason, wanted }
  const originKey = input.originKeys.get(source.path)
  if (originKey !== undefined) return { action: 'copy', key, bytes, from: originKey, origin: 'source', reason, wanted }
  return { action: 'upload', key, bytes, reason, wanted }
}

/**
 * Content that the prefix has under another key is copied there instead of being sent: a blob is named by its MD5, which
 * is the ETag of an object that was put whole. An object that is, or may be, about to be replaced is no original.
 */
function reuseStored(steps: readonly TransferStep[], { stored }: PlanInput): TransferStep[] {
  const stays = (step: TransferStep) => step.action === 'skip' && step.reason === 'same-checksum'
  const replaced = new Set(steps.flatMap(step => (stays(step) ? [] : [step.key])))
  const originals = new Map<string, string>()
  for (const { key, size, etag } of stored.values()) {
    if (etag !== undefined && isMd5.test(etag) && !replaced.has(key)) originals.set(`${etag} ${size}`, key)
  }
  return steps.map(step => {
    if (step.action !== 'upload') return step
    const from = originals.get(`${step.wanted.source.claimedMd5} ${step.bytes}`)
    if (from === undefined) return step
    const { key, bytes, reason, wanted } = step
    return { action: 'copy', key, bytes, from, origin: 'destination', reason, wanted }
  })
}

const isMd5 = /^[0-9a-f]{32}$/

type Comparison = 'missing' | 'different' | 'unproved' | 'same-checksum' | 'same-size'

function compare({ key, source }: WantedObject, { stored, localSums, remoteSums }: PlanInput): Comparison {
  const existing = stored.get(key)
  if (existing === undefined) return 'missing'
  if (existing.size !== source.size) return 'different'
  const remote = existing.crc32c ?? remoteSums.get(key)
  if (remote === undefined) return 'unproved'
  const local = localSums.get(source.path)
  if (local === undefined) return 'same-size'
  return local === remote ? 'same-checksum' : 'different'
}

function sumUp(steps: readonly TransferStep[]): TransferTotals {
  const bytesOf = (action: TransferStep['action']) =>
    steps.reduce((sum, step) => (step.action === action ? sum + step.bytes : sum), 0)
  return {
    uploadBytes: bytesOf('upload'),
    copyBytes: bytesOf('copy'),
    skipBytes: bytesOf('skip'),
    deleteBytes: bytesOf('delete'),
    files: steps.filter(step => step.action !== 'delete').length,
  }
}
