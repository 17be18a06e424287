import type { StoredObject } from '../stores/store.ts'
import { forAll } from '../system/for-all.ts'
import { expectObject, knownObject, type Carried, type Running } from './carried.ts'
import type { CopyStep } from './plan.ts'
import { forgetObject, noteObject } from './recorded-objects.ts'

/** Makes on the server what need not be sent: links, and content that lies under another key. */
export async function copyAll(one: Carried, running: Running): Promise<void> {
  const copies = one.steps.filter(step => step.action === 'copy').filter(({ origin }) => origin === 'destination')
  const made = new Set(copies.map(({ key }) => key))
  // A copy may be the original of others.
  const [originals, others] = [
    copies.filter(({ from }) => !made.has(from)),
    copies.filter(({ from }) => made.has(from)),
  ]
  for (const group of [originals, others]) await copyGroup(group, one, running)
}

async function copyGroup(copies: readonly CopyStep[], one: Carried, running: Running): Promise<void> {
  const { prepared } = one
  await forAll(
    copies,
    async (step, stop) => {
      const original = originalOf(step.from, one)
      await forgetObject({ ...prepared, key: step.key })
      const copied = await prepared.store.copy(step.from, step.key, { signal: stop })
      await noteCopied(step, copied, { original, one, running })
    },
    { concurrency: copiesAtOnce, signal: running.signal },
  )
}

/** They carry no bytes, so the server alone decides how many it takes. */
export const copiesAtOnce = 32

/** What a copy leaves behind, wherever its original lies. */
export async function noteCopied(
  { key, bytes, wanted }: CopyStep,
  copied: StoredObject,
  { original, one, running }: { original: StoredObject | undefined; one: Carried; running: Running },
): Promise<void> {
  const { prepared, sent, counts } = one
  const { sums, concurrency, report } = running
  const sum = sums.get(wanted.source.path)
  const object = withProof(copied, original, sum)
  sent.set(key, object)
  counts.copiedFiles += 1
  counts.copiedBytes += bytes
  expectObject(one, key, { size: bytes, sum, object })
  // Of a store with checksums, what is proved at the end is noted then.
  if (sum !== undefined && prepared.store.capabilities.statProof !== 'full-checksum') {
    await noteObject({ ...prepared, key }, { crc32c: sum, size: bytes })
  }
  concurrency.done(0)
  report({ event: 'finished', destination: prepared.url, key, action: 'copied' })
}

function originalOf(key: string, { prepared, sent }: Pick<Carried, 'prepared' | 'sent'>): StoredObject | undefined {
  return sent.get(key) ?? knownObject(prepared, key)
}

/** An MD5 as ETag, the same on both sides, proves of the copy what is proved of the original. */
function withProof(object: StoredObject, original: StoredObject | undefined, sum: number | undefined): StoredObject {
  const same = object.etag !== undefined && object.etag === original?.etag && /^[0-9a-f]{32}$/.test(object.etag)
  return same && sum !== undefined && original.crc32c === sum ? { ...object, crc32c: sum } : object
}

export async function removeAll({ prepared, steps, counts }: Carried, { signal, report }: Running): Promise<void> {
  await forAll(
    steps.filter(step => step.action === 'delete'),
    async ({ key }, stop) => {
      await prepared.store.remove(key, { signal: stop })
      prepared.journal.forgetObject(key)
      counts.deletedFiles += 1
      report({ event: 'finished', destination: prepared.url, key, action: 'removed' })
    },
    { concurrency: copiesAtOnce, signal },
  )
}
