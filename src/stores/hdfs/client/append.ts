import { uploadGone } from '../../checksum.ts'
import { argumentOf } from './paths.ts'
import type { Session } from './session.ts'
import type { RunningCall, ShellCall } from './shell.ts'

/** A file that grows at its end. */
export interface Append {
  /** @param start where the bytes belong. What had arrived before is not sent again. */
  write(bytes: Uint8Array, start: number, signal: AbortSignal): Promise<void>
  /** Closes the file, all of whose bytes were written. */
  end(size: number, signal: AbortSignal): Promise<void>
  /** Nothing is written any more. */
  stop(): Promise<void>
}

interface Flow {
  call: RunningCall
  /** Ends it at once. */
  stop: AbortController
}

/**
 * @param arrived bytes that are there.
 * @param signal ends what flows, also between two parts.
 */
export function openAppend(
  session: Session,
  { path, name, arrived: known, signal: whole }: { path: string; name: string; arrived: number; signal: AbortSignal },
): Append {
  let flow: Flow | undefined
  /** Bytes that were written. Not known after a call that failed: then HDFS is asked. */
  let written: number | undefined = known
  /** What was written last: HDFS may have lost it with the call that failed. */
  let last: { start: number; bytes: Uint8Array } = { start: known, bytes: new Uint8Array() }

  const open = (): Flow => {
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, whole, session.closed])
    return { stop, call: session.shell.start(appending(session, path, signal), name) }
  }
  const guard = async (signal: AbortSignal, run: () => Promise<void>): Promise<void> => {
    const abort = () => flow?.stop.abort(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await run()
    } catch (error) {
      written = undefined
      // What is still on its way stands in memory that others use from now on.
      flow?.call.stdin.destroy()
      flow?.stop.abort(error)
      flow = undefined
      throw error
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }
  const send = (bytes: Uint8Array, signal: AbortSignal): Promise<void> =>
    guard(signal, async () => {
      flow ??= open()
      await flowInto(flow.call, bytes)
    })
  return {
    async write(bytes, start, signal) {
      const from = written ?? (await settle(session, path, signal)) ?? 0
      written = from
      const end = start + bytes.length
      if (from < start) await resend(from, start, signal)
      if (from < end) await send(bytes.subarray(Math.max(0, from - start)), signal)
      written = Math.max(from, end)
      last = { start, bytes: copyInto(last.bytes, bytes) }
    },
    async end(size, signal) {
      const from = written ?? (await settle(session, path, signal)) ?? 0
      if (from < size) await resend(from, size, signal)
      written = size
      await guard(signal, async () => {
        flow?.call.stdin.end()
        await flow?.call.ended
      })
      flow = undefined
    },
    async stop() {
      flow?.stop.abort()
      await flow?.call.ended.catch(() => undefined)
      flow = undefined
    },
  }

  async function resend(from: number, start: number, signal: AbortSignal): Promise<void> {
    const { bytes, start: lastStart } = last
    if (from < lastStart || lastStart + bytes.length !== start)
      throw uploadGone(name, { why: `It has ${from} bytes, and the next part begins at ${start}.` })
    await send(bytes.subarray(from - lastStart), signal)
  }
}

/**
 * How long a file is once nobody else writes any more: of one that is open the shell tells no length, and a killed writer's
 * is closed by the namenode within a minute. `undefined` where there is none.
 *
 * @throws NimctlError `unavailable` / `FILE_STILL_OPEN`.
 */
export async function settle(session: Session, path: string, signal: AbortSignal): Promise<number | undefined> {
  const { operations, shell } = session
  const found = await operations.stat(path, signal)
  if (found === undefined || !found.isFile) return undefined
  // Appends nothing, which only one writer at a time may do.
  const call = shell.start(appending(session, path, signal), session.describe(path))
  call.stdin.end()
  await call.ended
  return (await operations.stat(path, signal))?.size
}

/** Makes the file, and the folders above it, where it is not there. */
function appending(session: Session, path: string, signal: AbortSignal): ShellCall {
  const { settings } = session
  return { command: 'appendToFile', args: ['-', argumentOf(session, path)], settings, signal }
}

/** Settles when the bytes were taken, and may be used again. */
async function flowInto({ stdin, ended }: RunningCall, bytes: Uint8Array): Promise<void> {
  const taken = new Promise<void>((resolve, reject) => {
    stdin.write(bytes, error => (error ? reject(error) : resolve()))
  })
  // A call that ends meanwhile says why; the broken pipe does not.
  await Promise.race([taken.catch(() => ended), ended.then(() => taken)])
}

/** Into the same memory where it fits. */
function copyInto(memory: Uint8Array, bytes: Uint8Array): Uint8Array {
  const into = memory.byteLength >= bytes.length ? memory.subarray(0, bytes.length) : new Uint8Array(bytes.length)
  into.set(bytes)
  return into
}
