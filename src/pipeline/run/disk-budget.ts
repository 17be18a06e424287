/** Hands out bytes of the disk to caches that are built beside each other, first come, first served. */
export interface DiskBudget {
  /** Waits until so many bytes are free, which must not be more than all. @returns what gives them back. */
  acquire(bytes: number): Promise<() => void>
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
    async acquire(bytes) {
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
