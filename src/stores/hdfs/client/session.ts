import type { Capabilities } from '../../store.ts'
import { folderOf, incompleteFolder, type Location } from '../../webhdfs/location.ts'
import type { HdfsSettings } from '../../webhdfs/settings.ts'
import { openOperations, type Operations } from './operations.ts'
import { printedPath } from './paths.ts'
import type { Shell } from './shell.ts'

/** One directory of HDFS, how to talk to it, and what was found out about it. */
export interface Session extends Location {
  readonly shell: Shell
  /** Ends what flows. */
  readonly closed: AbortSignal
  /** Changes as the files show what they are capable of. */
  readonly capabilities: Capabilities
  /** Of new files. */
  readonly settings: Readonly<Record<string, string>>
  /** Of new files, in octal digits. */
  readonly permission: string | undefined
  /** Of new files: `user:group`, `user` or `:group`. */
  readonly owner: string | undefined
  readonly operations: Operations
  /** For people. */
  describe(path: string): string
  /** The folder in which an object comes to lie, made where it is not there. */
  makeFolderFor(path: string, signal: AbortSignal): Promise<void>
  /** Something removed folders: they are made again where they are needed. */
  forgetFolders(): void
  /** Where things lie until they are whole. */
  readonly incomplete: string
  /** Runs what puts something there that is to come to lie at `path`; meanwhile the folder is not removed. */
  withIncomplete<T>(path: string, signal: AbortSignal, run: () => Promise<T>): Promise<T>
  /** Nothing lies in it that this run still needs. */
  removeIncompleteIfEmpty(): Promise<void>
}

const mebibyte = 1024 ** 2

const capabilities: Capabilities = {
  // `-cp` reads and writes through this machine.
  serverCopy: false,
  // Parts flow one behind the other into one call.
  parallelParts: false,
  minPart: 1,
  maxPart: 1024 * mebibyte,
  maxParts: 10_000,
  // Each is a Java machine of 150 MB and more.
  maxOpenUploads: 4,
  // What is put waits in a local file.
  maxPut: 8 * mebibyte,
  listingProof: 'etag',
  statProof: 'full-checksum',
  conditionalPut: true,
  sortedListing: true,
}

export function openSession(
  location: Location,
  { shell, closed, settings }: { shell: Shell; closed: AbortSignal; settings: HdfsSettings },
): Session {
  const incomplete = `${location.root}/${incompleteFolder}`
  const operations = openOperations(location, shell, settings)
  const made = new Set<string>()
  let users = 0
  /** What is made while a folder is removed may go with it. */
  let tidied: Promise<void> = Promise.resolve()

  const makeFolder = async (path: string, signal: AbortSignal): Promise<void> => {
    if (made.has(path)) return
    await operations.makeFolder(path, signal)
    made.add(path)
  }
  return {
    ...location,
    shell,
    closed,
    capabilities: { ...capabilities },
    settings: {
      ...(settings.blockSize !== undefined && { 'dfs.blocksize': String(settings.blockSize) }),
      ...(settings.replication !== undefined && { 'dfs.replication': String(settings.replication) }),
    },
    permission: settings.permission,
    owner: settings.owner,
    operations,
    describe: path => printedPath(location, path),
    makeFolderFor: (path, signal) => makeFolder(folderOf(path), signal),
    forgetFolders: () => made.clear(),
    incomplete,
    async withIncomplete(path, signal, run) {
      users += 1
      try {
        await tidied
        await Promise.all([incomplete, folderOf(path)].map(folder => makeFolder(folder, signal)))
        return await run()
      } finally {
        users -= 1
      }
    },
    async removeIncompleteIfEmpty() {
      if (users > 0) return
      made.delete(incomplete)
      // Where something lies in it, it stays; and what else fails here fails no upload.
      tidied = operations.removeEmptyFolder(incomplete, AbortSignal.timeout(tidyMs)).catch(() => undefined)
      await tidied
    },
  }
}

/** Tidying up goes on after an interruption, but not for ever: on a busy machine each start of Java may take half a minute. */
export const tidyMs = 300_000
