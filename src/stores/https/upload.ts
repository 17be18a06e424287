import { createHash, randomUUID, type Hash } from 'node:crypto'

import { NimctlError } from '../../system/errors.ts'
import { checkBytes, checkParts, checkTotal, uploadGone } from '../checksum.ts'
import type { Answer } from '../http/answer.ts'
import type { SavedUpload, StoredObject, Upload } from '../store.ts'
import { hasArrived, isLostAnswer } from './arrival.ts'
import { headFile, isNotFound, statFile } from './files.ts'
import { pathOf } from './location.ts'
import { openSending, type Sending } from './sending.ts'
import type { Site } from './site.ts'
import { checkDigest, incompletePath, moveFile, removeIncomplete } from './write.ts'

/**
 * All parts go one behind the other in the body of one PUT. HTTP knows no way to go on with a body, so whatever fails
 * mends by a new upload. The last byte waits in memory for `complete`: without it the server has nothing whole.
 */
export async function openHttpsUpload(
  site: Site,
  key: string,
  { size, partSize, resume, signal }: { size: number; partSize: number; resume?: SavedUpload; signal: AbortSignal },
): Promise<Upload> {
  signal.throwIfAborted()
  const path = pathOf(site.server, key)
  const { dav, product } = site.abilities
  // What a killed run left.
  if (dav && resume !== undefined && isId(resume.id)) await removeIncomplete(site, incompletePath(site, resume.id))
  const saved: SavedUpload = { key, id: randomUUID(), partSize }
  const to = dav ? incompletePath(site, saved.id) : path
  const name = site.server.url.origin + path
  // A server that is away is waited for here, where a request can be made again.
  if (dav) await site.folders.makeFor(to, signal)
  const before = await headFile(site.server, path, signal)

  const body = openBody(site, to, { size, hash: product === undefined ? undefined : createHash('sha1') })
  const arrivedUnanswered = async (error: unknown, stop: AbortSignal): Promise<boolean> => {
    if (!isLostAnswer(error)) return false
    // What can't be found out now is sent again.
    const after = await headFile(site.server, to, stop).catch(() => undefined)
    return hasArrived(error, { before: dav ? undefined : before, after, size, sha1: body.sha1() })
  }
  let arrived = false
  let given = false
  return {
    saved,
    partSize,
    finished: [],

    async putPart(number, bytes, sums, options) {
      options.signal.throwIfAborted()
      if (given) throw uploadGone(name)
      checkBytes(bytes, sums, name)
      await body.write(bytes, (number - 1) * partSize, options.signal)
      return { number, size: bytes.length, crc32c: sums.crc32c }
    },

    async complete(sums, parts, options) {
      options.signal.throwIfAborted()
      if (given) throw uploadGone(name)
      checkParts(parts, { size, partSize, name })
      checkTotal(parts, sums, name)
      if (!arrived) {
        await body.end(options.signal).then(
          async answer => {
            const sha1 = body.sha1()
            if (sha1 !== undefined) await checkDigest(site, path, { sha1, answer, mend: 'new-upload', ...options })
          },
          async (error: unknown) => {
            if (!(await arrivedUnanswered(error, options.signal))) throw error
          },
        )
        arrived = true
      }
      if (dav) await moveOnce(site, { from: to, path, key, size, ...options })
      return { key, size }
    },

    async abort() {
      given = true
      body.destroy()
      if (dav) await removeIncomplete(site, to)
    },
  }
}

/** An answer that got lost is decided by asking: what was moved lies no longer where it was. */
async function moveOnce(
  site: Site,
  { from, path, key, size, signal }: { from: string; path: string; key: string; size: number; signal: AbortSignal },
): Promise<void> {
  try {
    await moveFile(site, { from, to: path, signal })
  } catch (error) {
    site.folders.noteFailure(error)
    if (!isNotFound(error)) throw error
    const found: StoredObject | undefined = await statFile(site, key, { signal })
    if (found?.size !== size) throw uploadGone(site.server.url.origin + path, { cause: error })
  }
}

interface Body {
  write(bytes: Uint8Array, start: number, signal: AbortSignal): Promise<void>
  /** Sends the last byte, and returns what the server says of the whole. */
  end(signal: AbortSignal): Promise<Answer>
  /** Of all that was written; asked once. */
  sha1(): string | undefined
  destroy(): void
}

function openBody({ server }: Site, path: string, { size, hash }: { size: number; hash: Hash | undefined }): Body {
  let sending: Sending | undefined
  let next = 0
  let last: Uint8Array = new Uint8Array()
  let broken = false

  const attempt = async <T>(signal: AbortSignal, make: (opened: Sending) => Promise<T>): Promise<T> => {
    if (broken) throw uploadGone(server.url.origin + path)
    // Whatever fails, nobody knows how far the body came.
    broken = true
    try {
      const done = await server.guard({ method: 'PUT', path, signal }, async () => {
        sending ??= await openSending(server, { path, size, signal })
        return await make(sending)
      })
      broken = false
      return done
    } catch (error) {
      sending?.destroy()
      throw startOver(error)
    }
  }
  return {
    async write(bytes, start, signal) {
      if (start !== next) throw uploadGone(server.url.origin + path, { why: 'Its parts came in another order.' })
      const end = start + bytes.length
      const until = end === size ? bytes.length - 1 : bytes.length
      await attempt(signal, opened => opened.write(bytes.subarray(0, until), signal))
      hash?.update(bytes)
      next = end
      if (end === size) last = Uint8Array.from(bytes.subarray(until))
    },
    async end(signal) {
      return await attempt(signal, async opened => {
        await opened.write(last, signal)
        return await opened.end(signal)
      })
    },
    sha1: () => hash?.digest('hex'),
    destroy() {
      broken = true
      sending?.destroy()
    },
  }
}

function startOver(error: unknown): unknown {
  if (!(error instanceof NimctlError) || error.mend === 'not') return error
  const { category, code, message, why, next, retryAfterMs, cause } = error
  return new NimctlError(category, code, { what: message, why, next, retryAfterMs, cause, mend: 'new-upload' })
}

/** What stands in a journal becomes a path. */
function isId(text: string): boolean {
  return /^[0-9a-f-]{36}$/.test(text)
}
