import type { Store } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'
import { forAll } from '../system/for-all.ts'
import { enterPhase, type Carried, type Running } from './carried.ts'
import { copiesAtOnce, noteCopied } from './copy-all.ts'
import { describeKey } from './marker.ts'
import type { CopyStep, TransferStep } from './plan.ts'
import { forgetObject } from './recorded-objects.ts'
import type { Origin } from './source.ts'

/**
 * Has the server copy what lies in the source, a store of the same service. Copied is only what the source's checksum
 * proves to be what its inventory says; the rest is sent, and compared on the way. So is all of it where the server
 * refuses the first copy, which is the smallest.
 *
 * @throws NimctlError `check-failed` / `SOURCE_DAMAGED` when the source holds something else than its inventory says.
 */
export async function copyFromSource(one: Carried, running: Running): Promise<void> {
  const copies = one.steps.filter(step => step.action === 'copy').filter(({ origin }) => origin === 'source')
  const smallest = copies.at(-1)
  if (smallest === undefined) return
  enterPhase(one, 'copy', running)
  const places = placesOf(one, running)
  const refused = new Map<CopyStep, Refusal>()
  const copy = async (step: CopyStep, signal: AbortSignal): Promise<void> => {
    const refusal = await copyOne(step, { ...places, one, running: { ...running, signal } })
    if (refusal !== undefined) refused.set(step, refusal)
  }
  await copy(smallest, running.signal)
  const others = copies.slice(0, -1)
  const first = refused.get(smallest)
  if (first instanceof NimctlError) for (const step of others) refused.set(step, first)
  else await forAll(others, copy, { concurrency: copiesAtOnce, signal: running.signal })
  one.steps = one.steps.map(step => (step.action === 'copy' && refused.has(step) ? asUpload(step) : step))
  warn([...refused.values()], { ...places, one, running })
}

interface Places {
  origin: Origin
  copyFrom: NonNullable<Store['copyFrom']>
}

function placesOf({ prepared }: Carried, { source: { origin } }: Running): Places {
  const { copyFrom } = prepared.store
  if (origin === undefined || copyFrom === undefined) throw new Error('A plan has copies that no server can make.')
  return { origin, copyFrom }
}

/** What the server said, or that the source does not prove what it holds. */
type Refusal = NimctlError | 'unproved'

async function copyOne(
  step: CopyStep,
  { origin, copyFrom, one, running }: Places & { one: Carried; running: Running },
): Promise<Refusal | undefined> {
  const { source, signal } = running
  const object = await origin.store.stat(step.from, { signal })
  if (object?.crc32c === undefined) return 'unproved'
  // Throws where it is not what the inventory says.
  source.noteSum(step.wanted.source, object.crc32c)
  try {
    await forgetObject({ ...one.prepared, key: step.key })
    const copied = await copyFrom({ store: origin.store, object }, step.key, { signal })
    await noteCopied(step, copied, { original: object, one, running })
    return undefined
  } catch (error) {
    if (error instanceof NimctlError && refusals.has(error.code)) return error
    throw error
  }
}

/** What asking again can't mend, and sending may. What that can't mend either fails there, for a reason of its own. */
const refusals = new Set(['ACCESS_DENIED', 'STORE_UNSUPPORTED', 'STORE_REQUEST_REFUSED', 'WRONG_REGION'])

function asUpload({ key, bytes, reason, wanted }: CopyStep): TransferStep {
  return { action: 'upload', key, bytes, reason, wanted }
}

function warn(
  refused: readonly Refusal[],
  { origin, one, running }: Places & { one: Carried; running: Running },
): void {
  if (refused.length === 0) return
  const error = refused.find(refusal => refusal instanceof NimctlError)
  const why =
    error === undefined ? 'The source has no checksum to prove them by' : `The server would not copy: ${said(error)}`
  const what = `${refused.length} of the objects from ${describeKey(origin.store, '')} go to ${one.prepared.url} through this machine`
  running.report({ event: 'warning', code: 'COPIED_THROUGH_HERE', message: `${what}. ${why}` })
}

function said({ code, message, why }: NimctlError): string {
  return `${code}. ${why ?? message}`
}
