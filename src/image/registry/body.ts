import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'

/**
 * A body that has to be short, whole.
 *
 * @throws NimctlError `check-failed` / `IMAGE_DAMAGED` where it is longer than `limit`; what a broken connection throws.
 */
export async function readBody(
  incoming: IncomingMessage,
  { limit, image }: { limit: number; image: string },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) {
      throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
        what: `A part of ${image} that describes it is too long to be what it should be.`,
        why: `It has more than ${limit} bytes.`,
      })
    }
  }
  return Buffer.concat(chunks)
}
