import { Readable } from 'node:stream'

import { NimctlError } from '../../../system/errors.ts'
import { awaitedStream } from '../../awaited-stream.ts'
import type { ReadOptions } from '../../store.ts'
import { openCats } from './cats.ts'
import { described } from './described.ts'
import { gather, type Outcome } from './gather.ts'
import type { Status } from './operations.ts'
import { argumentOf, shellPathOf } from './paths.ts'
import type { Session } from './session.ts'

interface Range {
  start: number
  end: number
}

export type Read = (key: string, what: ReadOptions & { range: Range | undefined }) => Promise<Readable>

/** What is not larger is fetched whole, many files in one call. */
const smallFile = 1024 ** 2

/** Files of one such call, which are in memory until they are given on. */
const mostAtOnce = 32

/** The shell has no ranges: a small file is fetched whole, and of a large one a call gives range after range. */
export function openRead(session: Session): Read {
  const cats = openCats(session)
  const fetch = gather<{ path: string; status: Status }, Buffer>((files, signal) => fetchAll(session, files, signal), {
    most: mostAtOnce,
    lengthOf: ({ path }) => path.length,
  })
  return async (key, { range, ifMatch, signal }) => {
    const path = shellPathOf(session, key)
    signal.throwIfAborted()
    const status = cats.known(path, ifMatch) ?? (await findFile(session, path, signal))
    if (ifMatch !== undefined && described(key, status).etag !== ifMatch) throw changed(session.describe(path))
    const { start, end } = range ?? { start: 0, end: status.size - 1 }
    if (start > 0 && start >= status.size) throw outside(session.describe(path), status.size)
    const until = Math.min(end, status.size - 1)
    if (status.size > smallFile) return awaitedStream(cats.read({ path, status, start, end: until, signal }))
    const bytes = status.size === 0 ? Buffer.alloc(0) : await fetch({ path, status }, signal)
    return awaitedStream(readSmall(bytes.subarray(start, until + 1), signal))
  }
}

function readSmall(bytes: Buffer, signal: AbortSignal): Readable {
  return new Readable({
    signal,
    read() {
      if (bytes.length > 0) this.push(bytes)
      this.push(null)
    },
  })
}

async function findFile(session: Session, path: string, signal: AbortSignal): Promise<Status> {
  const status = await session.operations.stat(path, signal)
  if (status?.isFile === true) return status
  throw new NimctlError('not-found', 'OBJECT_NOT_FOUND', { what: `There is no ${session.describe(path)}.` })
}

async function fetchAll(
  session: Session,
  files: readonly { path: string; status: Status }[],
  signal: AbortSignal,
): Promise<Outcome<Buffer>[]> {
  const total = files.reduce((sum, { status }) => sum + status.size, 0)
  const args = files.map(({ path }) => argumentOf(session, path))
  const name = files.map(({ path }) => session.describe(path)).join(', ')
  const call = session.shell.start({ command: 'cat', args, signal }, name)
  call.stdin.end()
  const bytes = Buffer.allocUnsafe(total)
  let filled = 0
  for await (const chunk of call.stdout) {
    const part = Buffer.from(chunk)
    bytes.set(part.subarray(0, Math.max(0, total - filled)), filled)
    filled += part.length
  }
  await call.ended
  // One of them was replaced meanwhile: which bytes are whose, nobody can tell.
  if (filled !== total) throw changed(name)
  let position = 0
  return files.map(({ status }) => {
    const start = position
    position += status.size
    return { value: bytes.subarray(start, position) }
  })
}

function changed(name: string): NimctlError {
  return new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${name} was replaced while it was read.`,
    why: 'It is another file than before, or was written to.',
    next: 'Run the same command again when nobody writes there any more.',
  })
}

function outside(name: string, size: number): NimctlError {
  return new NimctlError('not-found', 'RANGE_OUTSIDE_OBJECT', {
    what: `${name} has no such bytes.`,
    why: `It has ${size} of them.`,
  })
}
