import { NimctlError } from '../../system/errors.ts'
import { foldersAbove } from './location.ts'
import type { Server } from './server.ts'

/** Folders that are known to be there: WebDAV makes none by itself (RFC 4918, 9.7.1). */
export interface Folders {
  /** Makes the folder in which a path lies, and those above it. */
  makeFor(path: string, signal: AbortSignal): Promise<void>
  /** Learns from a request that failed: perhaps one is gone, of which servers say 404, 409 or 500. */
  noteFailure(error: unknown): void
}

export function openFolders(server: Server): Folders {
  const made = new Map<string, Promise<void>>()

  const make = (folder: string, signal: AbortSignal): Promise<void> => {
    const known = made.get(folder)
    if (known !== undefined) return known
    const making = makeFolder(folder, signal)
    made.set(folder, making)
    making.catch(() => made.delete(folder))
    return making
  }
  const makeFolder = async (folder: string, signal: AbortSignal): Promise<void> => {
    const [parent] = foldersAbove(folder)
    const isWithin = folder !== server.path && folder.startsWith(server.path)
    if (parent !== undefined && isWithin) await make(parent, signal)
    // Those above the prefix are there as a rule, and who may write below may not always ask for them.
    const accepts = isWithin ? isThere : isThereOrLacksParent
    const { status } = await server.ask({ method: 'MKCOL', path: folder, accepts, signal })
    if (status !== 409 || parent === undefined) return
    await make(parent, signal)
    await server.ask({ method: 'MKCOL', path: folder, accepts: isThere, signal })
  }
  return {
    async makeFor(path, signal) {
      const [folder] = foldersAbove(path)
      if (folder !== undefined) await make(folder, signal)
    },
    noteFailure(error) {
      if (error instanceof NimctlError && signsOfAbsence.includes(error.code)) made.clear()
    },
  }
}

const signsOfAbsence = ['BUCKET_NOT_FOUND', 'OBJECT_NOT_FOUND', 'STORE_REQUEST_REFUSED', 'STORE_FAILED']

/** 405: it was there before (RFC 4918, 9.3.1). */
function isThere(status: number): boolean {
  return status < 300 || status === 405
}

function isThereOrLacksParent(status: number): boolean {
  return isThere(status) || status === 409
}
