import { forAll } from '../system/for-all.ts'
import { expectObject, knownObject, type Carried, type Running } from './carried.ts'
import type { TransferStep } from './plan.ts'
import type { PreparedUpload } from './prepare-upload.ts'
import type { FileEntry } from './source.ts'

/** Files read at once for their checksums. */
const readers = 8

/** Reads files that seem to be there and of which nothing is known; those that differ from what is there are sent after all. */
export async function settleSteps({ source, carried, sums, signal, report }: Running): Promise<void> {
  const unknown = new Map<string, FileEntry>()
  for (const { prepared } of carried) {
    for (const { source: file } of prepared.wanted) {
      const sum = source.sumOf(file)
      if (sum !== undefined) sums.set(file.path, sum)
    }
    const sent = new Set<string>()
    for (const step of prepared.plan.steps) if (step.action === 'upload') sent.add(step.wanted.source.path)
    for (const step of prepared.plan.steps) {
      if (step.action === 'upload' || step.action === 'delete') continue
      const file = step.wanted.source
      // What is sent elsewhere is read on the way there, and that is too late to know whether it may stay here.
      if (!sums.has(file.path) && (step.action === 'skip' || !sent.has(file.path))) unknown.set(file.path, file)
    }
  }
  await forAll(
    unknown.values(),
    async (file, stop) => {
      const sum = await source.hash(file, stop)
      sums.set(file.path, sum)
      source.noteSum(file, sum)
    },
    { concurrency: readers, signal },
  )
  for (const one of carried) {
    one.steps = one.prepared.plan.steps.map(step => settle(step, one.prepared, sums))
    await checkOriginals(one, { sums, signal })
    for (const step of one.steps) {
      if (step.action !== 'skip') continue
      one.counts.skippedFiles += 1
      const sum = sums.get(step.wanted.source.path)
      expectObject(one, step.key, { size: step.bytes, sum, object: knownObject(one.prepared, step.key) })
      report({ event: 'finished', destination: one.prepared.url, key: step.key, action: 'skipped' })
    }
  }
}

/**
 * A file that is not what its name claims must not become a copy of what its name means: the checksum of the original
 * decides, and where the store has none, the file is sent.
 */
async function checkOriginals(
  { steps, prepared: { store } }: Carried,
  { sums, signal }: { sums: ReadonlyMap<string, number>; signal: AbortSignal },
): Promise<void> {
  const reused = steps.flatMap((step, index) =>
    step.action === 'copy' && step.origin !== 'source' && step.from !== step.wanted.copyFrom ? [{ step, index }] : [],
  )
  await forAll(
    reused,
    async ({ step: { from, key, bytes, reason, wanted }, index }, stop) => {
      const original = await store.stat(from, { signal: stop })
      const sum = sums.get(wanted.source.path)
      if (original?.crc32c !== undefined && original.crc32c === sum) return
      steps[index] = { action: 'upload', key, bytes, reason, wanted }
    },
    { concurrency: readers, signal },
  )
}

/** Decides what the plan left open, now that the file has been read. */
function settle(
  step: TransferStep,
  { stored, remoteSums }: PreparedUpload,
  sums: ReadonlyMap<string, number>,
): TransferStep {
  if (step.action !== 'skip' || step.reason !== 'same-size') return step
  const remote = stored.get(step.key)?.crc32c ?? remoteSums.get(step.key)
  if (remote === sums.get(step.wanted.source.path)) return step
  const { key, bytes, wanted } = step
  const { copyFrom } = wanted
  if (copyFrom !== undefined) {
    return { action: 'copy', key, bytes, from: copyFrom, origin: 'destination', reason: 'different', wanted }
  }
  return { action: 'upload', key, bytes, reason: 'different', wanted }
}
