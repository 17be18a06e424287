import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** Bytes of an open file, `end` excluded. The file stays open until they are summed. */
export interface FileRange {
  fd: number
  start: number
  end: number
}

export interface RangeSum {
  /** CRC32C */
  sum: number
  /** Fewer than asked for where the file ends before. */
  bytes: number
}

/** Threads that read and sum beside each other and beside the main one. */
export interface HashPool {
  /** How many ranges are summed at once. */
  threads: number
  /**
   * Waits for a thread; whoever asked first is served first. What is begun is ended also when the signal aborts, so
   * that the file can be closed: keep ranges short.
   *
   * @throws what reading threw, with its `code`.
   */
  sumRange(range: FileRange, signal: AbortSignal): Promise<RangeSum>
  /** Ends the threads. Nothing may be under way. */
  close(): Promise<void>
}

/** Each takes some 14 MiB, and eight sum more than 20 GB/s, which no disk gives. */
const mostThreads = 8

/** `.ts` where the sources run as they are, `.js` where they are built. */
const workerFile = new URL(`hash-worker${extname(import.meta.url)}`, import.meta.url)

/** Nothing is started before the first range; idle threads keep no process alive. */
export function openHashPool(): HashPool {
  const threads = Math.min(availableParallelism(), mostThreads)
  const running = new Set<Worker>()
  const idle: Worker[] = []
  const waiting: ((worker: Worker) => void)[] = []

  const start = (): Worker => {
    // Node's own options are about the main program, such as what it evaluates.
    const worker = new Worker(workerFile, { execArgv: [] })
    running.add(worker)
    return worker
  }
  const lease = async (): Promise<Worker> => {
    const free = idle.pop()
    if (free !== undefined) return free
    if (running.size < threads) return start()
    return await new Promise(resolve => waiting.push(resolve))
  }
  const giveBack = (worker: Worker): void => {
    const next = waiting.shift()
    if (next === undefined) idle.push(worker)
    else next(worker)
  }
  const replace = (worker: Worker): void => {
    running.delete(worker)
    const next = waiting.shift()
    if (next !== undefined) next(start())
  }

  return {
    threads,
    async sumRange(range, signal) {
      const worker = await lease()
      if (signal.aborted) {
        giveBack(worker)
        throw signal.reason
      }
      try {
        const sum = await askWorker(worker, range)
        giveBack(worker)
        return sum
      } catch (error) {
        replace(worker)
        throw error
      }
    },
    async close() {
      await Promise.all([...running].map(worker => worker.terminate()))
    },
  }
}

/** Rejects with what ended the thread. */
async function askWorker(worker: Worker, range: FileRange): Promise<RangeSum> {
  const answered = once(worker, 'message')
  worker.ref()
  worker.postMessage(range)
  const [answer] = await answered
  worker.unref()
  return answer as RangeSum
}
