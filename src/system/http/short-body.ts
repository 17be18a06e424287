import type { IncomingMessage } from 'node:http'

/**
 * A body that has to be short, whole; `undefined` where it is longer than `limit`, and the connection is then closed.
 *
 * @param limit bytes.
 * @throws what a broken connection throws.
 */
export async function readShortBody(incoming: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) return undefined
  }
  return Buffer.concat(chunks)
}
