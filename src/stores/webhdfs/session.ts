import type { Capabilities } from '../store.ts'
import type { Client, Operation } from './client.ts'
import type { Batch } from './list.ts'
import { folderOf, incompleteFolder, type Location } from './location.ts'
import { openRecall, type Recall } from './recall.ts'
import type { HdfsSettings } from './settings.ts'
import type { Status } from './status.ts'

/** One directory of HDFS, how to talk to it, and what was found out about it. */
export interface Session extends Location {
  readonly client: Client
  /** Changes as the server shows what it is capable of. */
  readonly capabilities: Capabilities
  readonly settings: HdfsSettings
  /** Of directories whose listing was broken off. */
  readonly batches: Recall<Batch>
  /** Puts that were broken off (objects.ts), by what they put where. */
  readonly brokenOff: Map<string, BegunPut>
  /** For people. */
  describe(path: string): string
  /** The folder in which an object comes to lie, made where it is not there. */
  makeFolderFor(path: string, signal: AbortSignal): Promise<void>
  /** Something removed folders: they are made again where they are needed. */
  forgetFolders(): void
  /** Where things lie until they are whole. */
  readonly incomplete: string
  /** Runs what puts something there; meanwhile the folder is not removed. Who may not write is told so at once. */
  withIncomplete<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T>
  /** Nothing lies in it that this run still needs. */
  removeIncompleteIfEmpty(): Promise<void>
}

/** A file on its way into its place. */
export interface BegunPut {
  from: string
  created: boolean
  progress: Progress
}

/** How far a file is that lies whole where it was written. */
export interface Progress {
  status?: Status | undefined
  proved?: boolean
  noted?: boolean
  owned?: boolean
}

const mebibyte = 1024 ** 2

/** Hadoop's default is 128 MiB. As a part is a block, and two parts at least are in memory, half of it. */
const usualBlockSize = 64 * mebibyte

const capabilities: Capabilities = {
  serverCopy: false,
  parallelParts: false,
  minPart: usualBlockSize,
  maxPart: 1024 * mebibyte,
  // dfs.namenode.fs-limits.max-blocks-per-file
  maxParts: 10_000,
  maxPut: 1024 * mebibyte,
  listingProof: 'etag',
  statProof: 'full-checksum',
  conditionalPut: true,
  sortedListing: false,
}

export function openSession(location: Location, client: Client, settings: HdfsSettings): Session {
  const incomplete = `${location.root}/${incompleteFolder}`
  const made = new Set<string>()
  let users = 0

  const makeFolder = async (path: string, signal: AbortSignal): Promise<void> => {
    if (made.has(path)) return
    await client.ask({ method: 'PUT', op: 'MKDIRS', path, signal })
    made.add(path)
  }
  const removeIncompleteIfEmpty = async (): Promise<void> => {
    if (users > 0) return
    made.delete(incomplete)
    const signal = AbortSignal.timeout(tidyMs)
    const remove: Operation = { method: 'DELETE', op: 'DELETE', path: incomplete, signal }
    // Where something lies in it, it stays; and what else fails here fails no upload.
    await client.ask(remove).catch(() => undefined)
  }
  return {
    ...location,
    client,
    settings,
    capabilities: { ...capabilities, minPart: settings.blockSize ?? usualBlockSize },
    batches: openRecall(),
    brokenOff: new Map(),
    describe: path => `${location.url.protocol}//${location.url.host}${path}`,
    makeFolderFor: (path, signal) => makeFolder(folderOf(path), signal),
    forgetFolders: () => made.clear(),
    incomplete,
    async withIncomplete(signal, run) {
      users += 1
      try {
        await makeFolder(incomplete, signal)
        return await run()
      } finally {
        users -= 1
      }
    },
    removeIncompleteIfEmpty,
  }
}

/** Tidying up goes on after an interruption, but not for ever. */
export const tidyMs = 30_000
