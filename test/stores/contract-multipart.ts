import { expect, it } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import {
  listKeys,
  never,
  partsOnTheWay,
  provedSum,
  putMultipart,
  sameBytes,
  sendParts,
  sumsOf,
  threeParts,
  refusalOf,
  wrongSumsOf,
} from './contract-tools.ts'

export function multipartContract(open: () => Promise<Store>): void {
  it('puts parts together that came in any order and beside each other', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('models/blob', { size: whole.length, partSize, ...never })
    expect(upload.finished).toEqual([])
    const finished = await sendParts(store, upload, { parts, order: [3, 1, 2] })
    expect(await listKeys(store)).toEqual([])
    expect(await store.stat('models/blob', never)).toBeUndefined()
    const stored = await upload.complete(sumsOf(whole), finished, never)
    expect(stored).toMatchObject({ key: 'models/blob', size: whole.length })
    expect(stored.crc32c).toBe(provedSum(store, whole))
    expect(await store.stat('models/blob', never)).toMatchObject(stored)
    expect(await sameBytes(store, 'models/blob', whole)).toBe(true)
  })

  it('refuses a part that is not that of its checksum, and takes it once it is right', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const [first = Buffer.alloc(0)] = parts
    const refused = await refusalOf(() => upload.putPart(1, first, wrongSumsOf(first), never))
    expect(refused).toMatchObject({ code: 'CHECKSUM_MISMATCH', mend: 'same' })
    const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
    await upload.complete(sumsOf(whole), finished, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('refuses to complete with a wrong total, without a part, or with one too short', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
    await expect(upload.complete(wrongSumsOf(whole), finished, never)).rejects.toMatchObject({
      code: 'CHECKSUM_MISMATCH',
    })
    await expect(upload.complete(sumsOf(whole), finished.slice(0, 2), never)).rejects.toMatchObject({
      code: 'UPLOAD_INCOMPLETE',
    })
    await expect(upload.complete(sumsOf(whole), finished.toReversed(), never)).rejects.toMatchObject({
      code: 'UPLOAD_INCOMPLETE',
    })
    expect(await listKeys(store)).toEqual([])
    await upload.complete(sumsOf(whole), finished, never)
    expect(await listKeys(store)).toEqual(['blob'])
  })

  it('leaves nothing when an upload is given up, also twice', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    await sendParts(store, upload, { parts, order: [1] })
    await upload.abort()
    await upload.abort()
    expect(await listKeys(store)).toEqual([])
    const again = await store.openUpload('blob', { size: whole.length, partSize, resume: upload.saved, ...never })
    expect(again.saved.id).not.toBe(upload.saved.id)
    expect(again.finished).toEqual([])
    await again.abort()
  })

  it('says that only a new upload helps when it is gone', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
    await upload.abort()
    const [first = Buffer.alloc(0)] = parts
    const gone = { code: 'UPLOAD_GONE', mend: 'new-upload' }
    await expect(upload.putPart(1, first, sumsOf(first), never)).rejects.toMatchObject(gone)
    await expect(upload.complete(sumsOf(whole), finished, never)).rejects.toMatchObject(gone)
    expect(await listKeys(store)).toEqual([])
  })

  it('replaces an object only when the upload is complete', async () => {
    const store = await open()
    const before = Buffer.from('before')
    await store.put('blob', before, sumsOf(before), never)
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const finished = await sendParts(store, upload, { parts, order: [1, 2, 3] })
    expect(await sameBytes(store, 'blob', before)).toBe(true)
    await upload.complete(sumsOf(whole), finished, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })

  it('copies what came in parts, with its checksum', async () => {
    const store = await open()
    if (!store.capabilities.serverCopy) return
    const { whole } = await putMultipart(store, 'blobs/x')
    expect(await store.copy('blobs/x', 'snapshots/1/x', never)).toMatchObject({ size: whole.length })
    expect(await sameBytes(store, 'snapshots/1/x', whole)).toBe(true)
    expect((await store.stat('snapshots/1/x', never))?.crc32c).toBe(provedSum(store, whole))
  })

  it('sends no further part once it was told to stop', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const upload = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const reason = new Error('told to stop')
    const [first = Buffer.alloc(0)] = parts
    const stopped = { signal: AbortSignal.abort(reason) }
    await expect(upload.putPart(1, first, sumsOf(first), stopped)).rejects.toBe(reason)
    await expect(upload.complete(sumsOf(whole), [], stopped)).rejects.toBe(reason)
    await upload.abort()
  })
}

/** For servers that keep an upload which is asked how far it came. */
export function resumingContract(open: () => Promise<Store>): void {
  it('goes on with a saved upload, and tells which parts it has', async () => {
    const store = await open()
    const { whole, partSize, parts } = threeParts(store)
    const begun = await store.openUpload('blob', { size: whole.length, partSize, ...never })
    const { sent: order, rest: missing } = partsOnTheWay(store)
    const sent = await sendParts(store, begun, { parts, order })
    const saved = JSON.parse(JSON.stringify(begun.saved))
    const resumed = await store.openUpload('blob', { size: whole.length, partSize, resume: saved, ...never })
    expect(resumed.saved).toEqual(begun.saved)
    expect(resumed.finished.map(({ number, size, etag }) => ({ number, size, etag }))).toEqual(
      sent.map(({ number, size, etag }) => ({ number, size, etag })),
    )
    const rest = await sendParts(store, resumed, { parts, order: missing })
    const all = [...sent, ...rest].toSorted((a, b) => a.number - b.number)
    await resumed.complete(sumsOf(whole), all, never)
    expect(await sameBytes(store, 'blob', whole)).toBe(true)
  })
}
