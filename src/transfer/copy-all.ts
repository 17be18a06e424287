import type { StoredObject } from '../stores/store.ts'
import { forAll } from '../system/for-all.ts'
import { expectObject, knownObject, type Carried, type Running } from './carried.ts'
import type { TransferStep } from './plan.ts'

/** Makes on the server what need not be sent: links, and content that lies under another key. */
export async function copyAll({ prepared, steps, counts, expected, sent }: Carried, running: Running): Promise<void> {
  const copies = steps.filter(step => step.action === 'copy')
  const made = new Set(copies.map(({ key }) => key))
  // A copy may be the original of others.
  const [originals, others] = [
    copies.filter(({ from }) => !made.has(from)),
    copies.filter(({ from }) => made.has(from)),
  ]
  for (const group of [originals, others]) await copyGroup(group, { prepared, counts, expected, sent }, running)
}

type CopyStep = TransferStep & { action: 'copy' }

async function copyGroup(
  copies: readonly CopyStep[],
  { prepared, counts, expected, sent }: Pick<Carried, 'prepared' | 'counts' | 'expected' | 'sent'>,
  running: Running,
): Promise<void> {
  const { sums, concurrency, signal, report } = running
  await forAll(
    copies,
    async ({ key, from, bytes, wanted }, stop) => {
      const sum = sums.get(wanted.source.path)
      const object = withProof(
        await prepared.store.copy(from, key, { signal: stop }),
        originalOf(from, { prepared, sent }),
        sum,
      )
      sent.set(key, object)
      counts.copiedFiles += 1
      counts.copiedBytes += bytes
      expectObject({ expected }, key, { size: bytes, sum, object })
      // Of a store with checksums, what is proved at the end is noted then.
      if (sum !== undefined && prepared.store.capabilities.statProof !== 'full-checksum') {
        prepared.journal.noteObject(key, { crc32c: sum, size: bytes })
      }
      concurrency.done(0)
      report({ event: 'finished', destination: prepared.url, key, action: 'copied' })
    },
    { concurrency: copiesAtOnce, signal },
  )
}

/** They carry no bytes, so the server alone decides how many it takes. */
const copiesAtOnce = 32

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
