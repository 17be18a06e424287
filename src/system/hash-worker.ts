import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

import type { FileRange, RangeSum } from './hash-pool.ts'
import { crc32c } from './hash.ts'

/** Stays in a core's own cache between reading and summing: 7.5 GB/s on two cores of 1 MiB each, 6.4 with 1 MiB. */
const buffer = Buffer.allocUnsafeSlow(256 * 1024)

/** Blocks, which is why it has a thread of its own. An error ends the thread and reaches who asked. */
parentPort?.on('message', (range: FileRange) => parentPort?.postMessage(sumOf(range)))

function sumOf({ fd, start, end }: FileRange): RangeSum {
  let sum = 0
  let position = start
  while (position < end) {
    const read = readSync(fd, buffer, 0, Math.min(buffer.length, end - position), position)
    if (read === 0) break
    sum = crc32c(buffer.subarray(0, read), sum)
    position += read
  }
  return { sum, bytes: position - start }
}
