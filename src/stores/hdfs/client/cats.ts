import { Readable } from 'node:stream'

import { NimctlError } from '../../../system/errors.ts'
import { described } from './described.ts'
import type { Status } from './operations.ts'
import { argumentOf } from './paths.ts'
import type { Session } from './session.ts'
import { openTurns } from './turns.ts'

/** Bytes of a file, both ends included. */
interface Wanted {
  path: string
  status: Status
  start: number
  end: number
  signal: AbortSignal
}

/** Files that are read by `-cat`, each by one call that gives range after range. */
export interface Cats {
  /** What is known of a file that is being read, and has this ETag. */
  known(path: string, etag: string | undefined): Status | undefined
  /** Ranges of one file that are wanted at the same time come in the order of the file, whoever asked first. */
  read(wanted: Wanted): Readable
}

/** Each is a Java machine of 150 MB and more. */
const mostCats = 4

/** Ranges of a file are asked for beside each other: a lower one may come a moment later, and costs no second call then. */
const lowerOneMs = 50

/** How long a call waits for the range that follows. */
const idleMs = 5000

interface Waiting extends Wanted, Body {}

interface Cat {
  status: Status
  waiting: Waiting[]
  /** Asked to look again what is wanted of it. */
  wake: () => void
}

export function openCats(session: Session): Cats {
  const cats = new Map<string, Cat>()
  const turns = openTurns(mostCats)
  const hurried = () => turns.wanted() || session.closed.aborted
  const wakeAll = () => {
    for (const cat of cats.values()) cat.wake()
  }
  session.closed.addEventListener('abort', wakeAll)
  const serve = async (path: string, cat: Cat): Promise<void> => {
    const turn = turns.take()
    // One that waits for a reader makes room.
    if (turns.wanted()) wakeAll()
    await turn
    while (cat.waiting.length > 0) await serveOnce(session, { path, cat, hurried })
    if (cats.get(path) === cat) cats.delete(path)
    turns.give()
  }
  return {
    known(path, etag) {
      const status = cats.get(path)?.status
      return status !== undefined && (etag === undefined || described('', status).etag === etag) ? status : undefined
    },
    read(wanted) {
      const one: Waiting = { ...wanted, ...openBody(wanted.signal) }
      const cat = cats.get(wanted.path)
      if (cat?.status.modifiedMs === wanted.status.modifiedMs) {
        cat.waiting.push(one)
        cat.wake()
      } else {
        const begun: Cat = { status: wanted.status, waiting: [one], wake: () => {} }
        cats.set(wanted.path, begun)
        void serve(wanted.path, begun)
      }
      return one.body
    },
  }
}

/** One call, for as long as what is wanted lies ahead. Whatever goes wrong is told to whoever reads. */
async function serveOnce(
  session: Session,
  { path, cat, hurried }: { path: string; cat: Cat; hurried: () => boolean },
): Promise<void> {
  const stop = new AbortController()
  let current: Waiting | undefined
  try {
    const signal = AbortSignal.any([stop.signal, session.closed])
    const call = session.shell.start(
      { command: 'cat', args: [argumentOf(session, path)], signal },
      session.describe(path),
    )
    call.stdin.end()
    const bytes = openBytes(call.stdout)
    while ((current = await nextRange(cat, bytes.position(), hurried)) !== undefined) {
      const { start, end, body, room } = current
      for (;;) {
        const position = bytes.position()
        const chunk = await bytes.take(position < start ? start - position : end + 1 - position)
        if (chunk === undefined) {
          await call.ended
          throw endedEarly(session.describe(path), position)
        }
        if (body.destroyed) break
        if (position >= start && !body.push(chunk)) await room()
        if (bytes.position() > end) break
      }
      body.push(null)
    }
  } catch (error) {
    const failed = current ?? cat.waiting.shift()
    failed?.body.destroy(error instanceof Error ? error : new Error(String(error)))
  } finally {
    stop.abort()
  }
}

/** `undefined` when nothing is wanted any more, or only what has gone by. */
async function nextRange(cat: Cat, position: number, hurried: () => boolean): Promise<Waiting | undefined> {
  const lowest = () => cat.waiting.filter(({ start }) => start >= position).toSorted((a, b) => a.start - b.start)[0]
  const drop = () => (cat.waiting = cat.waiting.filter(({ body }) => !body.destroyed))
  drop()
  if (cat.waiting.length === 0 && position < cat.status.size && !hurried()) await woken(cat, idleMs)
  if (lowest() !== undefined && lowest()?.start !== position) await woken(cat, lowerOneMs)
  drop()
  const next = lowest()
  if (next !== undefined) cat.waiting.splice(cat.waiting.indexOf(next), 1)
  return next
}

async function woken(cat: Cat, longestMs: number): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, longestMs)
    cat.wake = () => {
      clearTimeout(timer)
      resolve()
    }
  })
  cat.wake = () => {}
}

interface Bytes {
  /** How many were taken. */
  position(): number
  /** So many at most; `undefined` at the end. */
  take(most: number): Promise<Buffer | undefined>
}

function openBytes(stream: Readable): Bytes {
  const chunks = stream[Symbol.asyncIterator]()
  let rest: Buffer = Buffer.alloc(0)
  let position = 0
  return {
    position: () => position,
    async take(most) {
      if (rest.length === 0) {
        const { done, value } = await chunks.next()
        if (done === true) return undefined
        rest = Buffer.from(value)
      }
      const taken = rest.subarray(0, most)
      rest = rest.subarray(taken.length)
      position += taken.length
      return taken
    },
  }
}

interface Body {
  body: Readable
  /** Settles when the reader wants more, or nothing any more. */
  room: () => Promise<void>
}

function openBody(signal: AbortSignal): Body {
  let wake = () => {}
  const body = new Readable({
    signal,
    read: () => wake(),
    destroy(error, done) {
      wake()
      done(error)
    },
  })
  const room = () =>
    new Promise<void>(resolve => {
      wake = resolve
    })
  return { body, room }
}

function endedEarly(name: string, position: number): NimctlError {
  return new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${name} was replaced while it was read.`,
    why: `It ended after ${position} bytes, and was longer before.`,
    next: 'Run the same command again when nobody writes there any more.',
  })
}
