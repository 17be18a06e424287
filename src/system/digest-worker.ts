import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

import { createBLAKE3 } from 'hash-wasm'

import type { DigestAlgorithm, DigestAnswer, DigestRequest } from './digest-threads.ts'

interface Running {
  update(bytes: Uint8Array): unknown
  digest(): Uint8Array
}

const running = new Map<number, Running>()

/** Blocks, which is why it has a thread of its own. An error ends the thread and reaches who asked. */
parentPort?.on('message', (request: DigestRequest) => {
  last = last.then(() => serve(request))
})

/** One behind the other, in the order in which they came. */
let last = Promise.resolve()

async function serve(request: DigestRequest): Promise<void> {
  const answer: DigestAnswer = { id: request.id }
  if ('begin' in request) running.set(request.id, await begin(request.begin))
  else if ('bytes' in request) running.get(request.id)?.update(request.bytes)
  else {
    if (request.wanted) answer.digest = running.get(request.id)?.digest() ?? new Uint8Array()
    running.delete(request.id)
  }
  parentPort?.postMessage(answer)
}

async function begin(algorithm: DigestAlgorithm): Promise<Running> {
  if (algorithm !== 'blake3') return createHash(algorithm)
  const hash = (await createBLAKE3()).init()
  return { update: bytes => hash.update(bytes), digest: () => hash.digest('binary') }
}
