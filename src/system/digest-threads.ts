import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

/** Of a whole content, none of which can be combined from those of its parts. */
export interface Digests {
  /** 16 bytes. */
  md5: Uint8Array
  /** 32 bytes. */
  blake3: Uint8Array
}

export type DigestAlgorithm = keyof Digests | 'sha1' | 'sha256'

/** A digest, or several of the same content, on its way. */
export interface RunningDigest<Result> {
  /**
   * The piece behind the last one. Nothing else may be asked before the promise settles, and the bytes stay as they are.
   * Bytes of a SharedArrayBuffer are not copied.
   */
  add(bytes: Uint8Array): Promise<void>
  end(): Promise<Result>
  /** Forgets it. Nothing happens after `end`. */
  drop(): void
}

export type RunningDigests = RunningDigest<Digests>

/** Threads that compute digests beside the main one, each of a content in one of them. */
export interface DigestThreads {
  begin(): RunningDigests
  beginOne(algorithm: DigestAlgorithm): RunningDigest<Uint8Array>
  /** Ends the threads. */
  close(): Promise<void>
}

export type DigestRequest =
  | { id: number; begin: DigestAlgorithm }
  | { id: number; bytes: Uint8Array }
  | { id: number; wanted: boolean }

export interface DigestAnswer {
  id: number
  digest?: Uint8Array
}

/** MD5 has 800 MB/s and BLAKE3 620 in a thread of their own: four keep up with 10 Gb/s of two files. */
const mostThreads = 4

/** `.ts` where the sources run as they are, `.js` where they are built. */
const workerFile = new URL(`digest-worker${extname(import.meta.url)}`, import.meta.url)

/** No thread is started before something is asked of it; there are never more than cores. */
export function openDigestThreads(most = mostThreads): DigestThreads {
  const count = Math.min(availableParallelism(), most)
  const threads: Thread[] = []
  let begun = 0

  const beginOne = (algorithm: DigestAlgorithm): RunningDigest<Uint8Array> => {
    const id = begun++
    const thread = (threads[id % count] ??= startThread())
    let asked = thread.ask({ id, begin: algorithm })
    // Whoever adds to it hears of it.
    asked.catch(() => {})
    return {
      async add(bytes: Uint8Array) {
        await asked
        asked = thread.ask({ id, bytes })
        await asked
      },
      async end() {
        await asked
        const { digest = new Uint8Array() } = await thread.ask({ id, wanted: true })
        return digest
      },
      drop: () => void thread.ask({ id, wanted: false }).catch(() => {}),
    }
  }
  return {
    beginOne,
    begin() {
      const md5 = beginOne('md5')
      const blake3 = beginOne('blake3')
      let ended = false
      return {
        async add(bytes) {
          await Promise.all([md5.add(bytes), blake3.add(bytes)])
        },
        async end() {
          ended = true
          const [sum, other] = await Promise.all([md5.end(), blake3.end()])
          return { md5: sum, blake3: other }
        },
        drop() {
          if (ended) return
          md5.drop()
          blake3.drop()
        },
      }
    },
    async close() {
      await Promise.all(threads.map(thread => thread.close()))
    },
  }
}

interface Thread {
  ask(request: DigestRequest): Promise<DigestAnswer>
  close(): Promise<void>
}

/** One question of each id is open at a time. */
function startThread(): Thread {
  // Node's own options are about the main program, such as what it evaluates.
  const worker = new Worker(workerFile, { execArgv: [] })
  const waiting = new Map<number, PromiseWithResolvers<DigestAnswer>>()
  let failure: unknown
  worker.on('message', (answer: DigestAnswer) => {
    waiting.get(answer.id)?.resolve(answer)
    waiting.delete(answer.id)
  })
  worker.on('error', error => {
    failure = error
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  })
  return {
    async ask(request) {
      if (failure !== undefined) throw failure
      const answer = Promise.withResolvers<DigestAnswer>()
      waiting.set(request.id, answer)
      worker.postMessage(request)
      return await answer.promise
    },
    async close() {
      await worker.terminate()
    },
  }
}
