import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Watches a directory fill: calls `onBytes` with how much more lies there than at any look before. Unfinished files
 * count, renamed ones don't count twice, links weigh nothing. Await `stop` for the last look.
 */
export function watchArrivingBytes(
  directory: string,
  { intervalMs, onBytes }: { intervalMs: number; onBytes: (bytes: number) => void },
): { stop: () => Promise<void> } {
  const stopped = new AbortController()
  let most: number | undefined
  const look = async () => {
    const bytes = await bytesBelow(directory)
    if (most !== undefined && bytes > most) onBytes(bytes - most)
    most = Math.max(most ?? 0, bytes)
  }
  const watch = async () => {
    while (!stopped.signal.aborted) {
      await look()
      await sleep(intervalMs, undefined, { signal: stopped.signal }).catch(() => {})
    }
    await look()
  }
  const watching = watch()
  return {
    stop: async () => {
      stopped.abort()
      await watching
    },
  }
}

/** Bytes of all regular files. What vanishes while it looks, or may not be read, counts as nothing. */
async function bytesBelow(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  let bytes = 0
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) bytes += await bytesBelow(path)
    else if (entry.isFile())
      bytes += await lstat(path).then(
        ({ size }) => size,
        () => 0,
      )
  }
  return bytes
}
