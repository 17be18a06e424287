import pMap from 'p-map'

import { compareUtf8 } from '../../../system/utf8-order.ts'
import type { Page } from '../../store.ts'
import { incompleteFolder } from '../../webhdfs/location.ts'
import { described } from './described.ts'
import type { Session } from './session.ts'

/** As S3's pages. */
const pageSize = 1000

/** The shell gives the names of a whole tree at once: they are kept for the pages that follow. */
interface Names {
  prefix: string
  /** Of files and folders, in the order of keys. */
  keys: readonly string[]
}

export type List = (prefix: string, cursor: string | undefined, options: { signal: AbortSignal }) => Promise<Page>

/** The cursor is the last name of the page before, of a file or a folder. */
export function openList(session: Session): List {
  let kept: Names | undefined
  return async (prefix, cursor, { signal }) => {
    signal.throwIfAborted()
    if (cursor === undefined || kept?.prefix !== prefix)
      kept = { prefix, keys: await findKeys(session, prefix, signal) }
    const start = cursor === undefined ? 0 : kept.keys.findIndex(key => compareUtf8(key, cursor) > 0)
    const keys = start === -1 ? [] : kept.keys.slice(start, start + pageSize)
    const next = start + keys.length < kept.keys.length ? keys.at(-1) : undefined
    const look = async (key: string) => {
      const status = await session.operations.stat(`${session.root}/${key}`, signal)
      return status?.isFile === true ? [described(key, status)] : []
    }
    const objects = (await pMap(keys, look, { concurrency: pageSize })).flat()
    return { objects, ...(next !== undefined && { cursor: next }) }
  }
}

/** From the folder in which all keys with this prefix lie. */
async function findKeys(session: Session, prefix: string, signal: AbortSignal): Promise<string[]> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  const found = await session.operations.find(`${session.root}/${folder}`.replace(/\/$/, '') || '/', signal)
  return found
    .map(path => folder + path)
    .filter(key => key.startsWith(prefix) && key.split('/')[0] !== incompleteFolder)
    .toSorted(compareUtf8)
}
