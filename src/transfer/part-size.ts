import type { Capabilities } from '../stores/store.ts'
import { NimctlError } from '../system/errors.ts'

const mebibyte = 1024 * 1024

/** Large enough that requests cost nothing, small enough that those in flight stay far below 128 MiB. */
export const defaultPartSize = 8 * mebibyte

/**
 * Bytes of a part: what was asked for, or 8 MiB, or more where the store's number of parts forces it.
 *
 * @throws NimctlError `usage` / `FILE_TOO_LARGE` when even the largest parts are not enough.
 */
export function choosePartSize(
  size: number,
  capabilities: Pick<Capabilities, 'minPart' | 'maxPart' | 'maxParts'>,
  asked?: number,
): number {
  const { minPart, maxPart, maxParts } = capabilities
  const needed = Math.ceil(size / maxParts / mebibyte) * mebibyte
  const partSize = Math.max(asked ?? defaultPartSize, needed, minPart)
  if (partSize > maxPart && size > maxPart * maxParts) {
    throw new NimctlError('usage', 'FILE_TOO_LARGE', {
      what: `A file of ${size} bytes is larger than this store's largest object (${maxParts} parts of ${maxPart} bytes).`,
    })
  }
  return Math.min(partSize, maxPart)
}
