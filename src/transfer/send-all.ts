import type { Sums } from '../stores/store.ts'
import { forAll } from '../system/for-all.ts'
import { expectObject, type Carried, type Running } from './carried.ts'
import { goesInParts, needsNewUpload, sendFile, type Target } from './send-file.ts'
import type { FileEntry } from './source.ts'

/** Files that are open at once; how many of their requests are in flight, the pool decides. */
const openFiles = 64

/** A file, and the objects that it becomes. */
interface Shipment {
  file: FileEntry
  objects: { one: Carried; key: string }[]
}

/**
 * Sends what has to be sent, big files first, each read once for all its destinations. Where few uploads may be open, the
 * files that need none don't wait behind those that do.
 */
export async function sendAll(running: Running): Promise<void> {
  const { source, carried, sums, signal } = running
  const shipments = new Map<string, Shipment>()
  for (const one of carried) {
    for (const step of one.steps) {
      if (step.action !== 'upload') continue
      const file = step.wanted.source
      const shipment = shipments.get(file.path) ?? { file, objects: [] }
      shipments.set(file.path, shipment)
      shipment.objects.push({ one, key: step.key })
    }
  }
  const limits = carried.map(({ prepared: { store } }) => store.capabilities.maxOpenUploads ?? openFiles)
  const biggestFirst = [...shipments.values()].toSorted((a, b) => b.file.size - a.file.size)
  const mostInParts = Math.min(openFiles, ...limits)
  const inParts = ({ file, objects }: Shipment) => {
    const stores = objects.map(({ one }) => one.prepared.store)
    return goesInParts(file.size, stores, running.partSize)
  }
  const all = { shipments: biggestFirst, most: openFiles }
  const parted = [
    { shipments: biggestFirst.filter(inParts), most: mostInParts },
    { shipments: biggestFirst.filter(shipment => !inParts(shipment)), most: openFiles },
  ]
  const send = async (shipment: Shipment, stop: AbortSignal) => {
    const { file } = shipment
    const sent = await sendShipment(shipment, { ...running, signal: stop })
    sums.set(file.path, sent.crc32c)
    for (const { one } of sent.md5 === undefined ? [] : shipment.objects) one.noted.set(file.path, sent)
    source.noteSum(file, sent.crc32c)
  }
  const groups = mostInParts < openFiles ? parted : [all]
  await forAll(groups, (group, stop) => forAll(group.shipments, send, { concurrency: group.most, signal: stop }), {
    concurrency: groups.length,
    signal,
  })
}

/** A store that takes a file in one stream begins it anew whenever a connection breaks. */
const mostBeginnings = 5

/** An upload that is gone, or went wrong as a whole, is begun anew. */
async function sendShipment({ file, objects }: Shipment, running: Running): Promise<Sums> {
  const targets = objects.map(({ one, key }) => targetOf(one, key, { file, running }))
  const send = async () => {
    const sums = await sendFile(file, targets, running)
    for (const { one, key } of objects)
      expectObject(one, key, { size: file.size, sum: sums.crc32c, object: one.sent.get(key) })
    return sums
  }
  for (let beginning = 1; ; beginning++) {
    try {
      return await send()
    } catch (error) {
      if (!needsNewUpload(error) || beginning === mostBeginnings) throw error
      for (const target of targets) await forgetUpload(target, running.signal)
    }
  }
}

/** What holds what it should not is of no use at the store either. */
async function forgetUpload({ store, journal, key }: Target, signal: AbortSignal): Promise<void> {
  const saved = journal.unfinished(key)?.saved
  if (saved !== undefined) await store.abortUpload?.(saved, { signal })
  journal.forgetUpload(key)
}

function targetOf(one: Carried, key: string, { file, running }: { file: FileEntry; running: Running }): Target {
  const { store, url, journal } = one.prepared
  return {
    store,
    url,
    journal,
    key,
    onSent({ object, partSize, sentBytes }) {
      one.sent.set(key, object)
      if (partSize !== undefined) one.partSizes.set(file.path, partSize)
      one.counts.uploadedFiles += 1
      one.counts.uploadedBytes += sentBytes
      running.report({ event: 'finished', destination: url, key, action: 'uploaded' })
    },
  }
}
