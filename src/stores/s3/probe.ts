import { NimctlError } from '../../system/errors.ts'
import { crc32cToBase64, md5 } from '../../system/hash.ts'
import type { Sums } from '../store.ts'
import type { Fields } from './described.ts'
import type { Session } from './session.ts'

/** The headers of a request that protect its body. */
export type Protection = Record<string, string>

interface Body {
  bytes: Uint8Array
  sums: Sums
  /** Asks for the checksum of what was stored, where the answer to the request had none. */
  stored?: () => Promise<number | undefined>
  /** The request can't be made twice. */
  once?: boolean
}

/**
 * Sends a body with CRC32C in a header, or with Content-MD5 where the server is older than that. Which one is found
 * out with the first body: a server that refuses the header, or takes it and doesn't give the value back, gets MD5
 * from then on, and its objects are proved by their parts only (`statProof`). No server is judged by its name.
 */
export async function sendProtected(
  session: Session,
  body: Body,
  send: (protection: Protection) => Promise<Fields>,
): Promise<Fields> {
  const withMd5 = () => send({ 'content-md5': Buffer.from(body.sums.md5 ?? md5(body.bytes)).toString('base64') })
  const withCrc32c = () => send({ 'x-amz-checksum-crc32c': crc32cToBase64(body.sums.crc32c) })
  if (session.checksums === 'md5') return await withMd5()
  if (session.checksums === 'crc32c') return await withCrc32c()

  const answer = await withoutChecksums(session, { first: withCrc32c, otherwise: withMd5 })
  if (!needsProof(session)) return answer
  if (answer.ChecksumCRC32C === crc32cToBase64(body.sums.crc32c) || (await body.stored?.()) === body.sums.crc32c) {
    session.checksums = 'crc32c'
    return answer
  }
  useMd5(session)
  return body.once === true ? answer : await withMd5()
}

/**
 * Makes a request, and once more without the newer checksum fields where they may be what the server refuses. When
 * that fails as well, they weren't: the first error counts.
 */
export async function withoutChecksums<T>(
  session: Session,
  { first, otherwise }: { first: () => Promise<T>; otherwise: () => Promise<T> },
): Promise<T> {
  try {
    return await first()
  } catch (error) {
    // Another request beside this one may have found out meanwhile that it is MD5.
    if (session.checksums === 'crc32c' || !mayRefuseChecksums(error)) throw error
    const answer = await otherwise().catch(() => {
      throw error
    })
    useMd5(session)
    return answer
  }
}

/** A function, because TypeScript doesn't see that a request changes the session. */
function needsProof(session: Session): boolean {
  return session.checksums === 'unknown'
}

function useMd5(session: Session): void {
  session.checksums = 'md5'
  session.capabilities.statProof = 'parts'
}

/** 400 and 501 in their many words; GCS's gateway signs extra headers differently (aws-sdk-java-v2#5987). */
function mayRefuseChecksums(error: unknown): boolean {
  if (!(error instanceof NimctlError)) return false
  if (error.code === 'STORE_REQUEST_REFUSED' || error.code === 'STORE_UNSUPPORTED') return true
  return error.cause instanceof Error && error.cause.name === 'SignatureDoesNotMatch'
}
