import type { IncomingMessage } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import { readShortBody } from '../../system/http/short-body.ts'

/**
 * A body that has to be short, whole.
 *
 * @throws NimctlError `check-failed` / `IMAGE_DAMAGED` where it is longer than `limit`; what a broken connection throws.
 */
export async function readBody(
  incoming: IncomingMessage,
  { limit, image }: { limit: number; image: string },
): Promise<Buffer> {
  const body = await readShortBody(incoming, limit)
  if (body !== undefined) return body
  throw new NimctlError('check-failed', 'IMAGE_DAMAGED', {
    what: `A part of ${image} that describes it is too long to be what it should be.`,
    why: `It has more than ${limit} bytes.`,
  })
}
