import { NimctlError } from '../../system/errors.ts'
import { numberAt, read } from '../../system/json.ts'
import type { Page, StoredObject } from '../store.ts'
import { incompleteFolder } from './location.ts'
import type { Answers } from './recall.ts'
import type { Session } from './session.ts'
import { described, readStatus, type Status } from './status.ts'

const usualPageSize = 1000

/** Some entries of a directory. */
export interface Batch {
  statuses: Status[]
  /** How many come behind them. */
  remaining: number
}

/** The cursor is the last key of the page before: the walk goes on behind it, whoever asks. */
export async function listObjects(
  session: Session,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  signal.throwIfAborted()
  const { pageSize = usualPageSize } = session.settings
  return await session.batches.during(JSON.stringify([prefix, cursor]), async known => {
    const objects: StoredObject[] = []
    for await (const { key, status } of walkFiles(session, session.root, { prefix, after: cursor, known, signal })) {
      if (objects.length === pageSize) return { objects, cursor: objects.at(-1)?.key ?? '' }
      objects.push(described(key, status))
    }
    return { objects }
  })
}

export interface Walk {
  /** Of keys. */
  prefix: string
  /** A key: only those behind it, in the order of the walk. */
  after?: string | undefined
  known: Answers<Batch>
  signal: AbortSignal
}

export interface Found {
  key: string
  status: Status
}

/**
 * Files below a directory, whose paths from there begin with a prefix. A directory comes where its name stands, so the
 * order is not that of keys.
 */
export async function* walkFiles(session: Session, root: string, walk: Walk): AsyncGenerator<Found> {
  yield* walkFolder(session, root, { folder: '', walk, after: walk.after?.split('/') })
}

async function* walkFolder(
  session: Session,
  root: string,
  { folder, walk, after }: { folder: string; walk: Walk; after: string[] | undefined },
): AsyncGenerator<Found> {
  const [startAfter, ...below] = after ?? []
  // The last page ended in there.
  if (startAfter !== undefined && below.length > 0)
    yield* walkFolder(session, root, { folder: `${folder}${startAfter}/`, walk, after: below })
  const path = `${root}/${folder}`.replace(/\/$/, '') || '/'
  for await (const status of listFolder(session, path, { ...walk, startAfter })) {
    const key = folder + status.name
    if (key === incompleteFolder) continue
    if (status.isFile) {
      if (key.startsWith(walk.prefix)) yield { key, status }
    } else if (`${key}/`.startsWith(walk.prefix) || walk.prefix.startsWith(`${key}/`)) {
      yield* walkFolder(session, root, { folder: `${key}/`, walk, after: undefined })
    }
  }
}

/** Sorted by name, in as many requests as the namenode wants. Nothing where there is no such directory. */
export async function* listFolder(
  session: Session,
  path: string,
  { startAfter, known, signal }: Pick<Walk, 'known' | 'signal'> & { startAfter?: string | undefined },
): AsyncGenerator<Status> {
  let last = startAfter
  for (;;) {
    const question = JSON.stringify([path, last])
    const { statuses, remaining } =
      known.get(question) ?? (await listBatch(session, path, { startAfter: last, signal }))
    known.set(question, { statuses, remaining })
    yield* statuses
    const next = statuses.at(-1)?.name
    if (remaining === 0 || next === undefined) return
    last = next
  }
}

async function listBatch(
  session: Session,
  path: string,
  { startAfter, signal }: { startAfter: string | undefined; signal: AbortSignal },
): Promise<Batch> {
  const query = startAfter === undefined ? {} : { startAfter }
  try {
    const answer = await session.client.ask({ method: 'GET', op: 'LISTSTATUS_BATCH', path, query, signal })
    const listing = read(answer, 'DirectoryListing')
    const statuses = read(listing, 'partialListing', 'FileStatuses', 'FileStatus')
    const found = Array.isArray(statuses) ? statuses.map(readStatus) : []
    // A file lists itself, without a name.
    return { statuses: found.filter(({ name }) => name !== ''), remaining: numberAt(listing, 'remainingEntries') ?? 0 }
  } catch (error) {
    if (error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND') return { statuses: [], remaining: 0 }
    throw error
  }
}
