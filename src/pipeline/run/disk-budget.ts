import { NimctlError } from '../../system/errors.ts'

/** Hands out bytes of the disk to caches that are built beside each other, first come, first served. */
export interface DiskBudget {
  /**
   * Waits until so many bytes are free.
   *
   * @throws NimctlError `local` / `DISK_LIMIT` where they never will be.
   */
  acquire(bytes: number, what: string): Promise<() => void>
}

/** @param maxBytes of all caches together; absent: no limit. */
export function openDiskBudget(maxBytes: number | undefined): DiskBudget {
  let free = maxBytes ?? Number.POSITIVE_INFINITY
  const waiting: { bytes: number; go: () => void }[] = []
  const admit = () => {
    for (let [first] = waiting; first !== undefined && first.bytes <= free; [first] = waiting) {
      waiting.shift()
      free -= first.bytes
      first.go()
    }
  }
  return {
    async acquire(bytes, what) {
      if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(bytes, { maxBytes, what })
      await new Promise<void>(go => {
        waiting.push({ bytes, go })
        admit()
      })
      return () => {
        free += bytes
        admit()
      }
    },
  }
}

function tooLarge(bytes: number, { maxBytes, what }: { maxBytes: number; what: string }): NimctlError {
  return new NimctlError('local', 'DISK_LIMIT', {
    what: `The cache of ${what} needs ${bytes} bytes, and --max-disk permits ${maxBytes}.`,
    next: 'Permit more, or choose fewer profiles.',
  })
}
