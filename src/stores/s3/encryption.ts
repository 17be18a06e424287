import { NimctlError } from '../../system/errors.ts'
import type { Session } from './session.ts'
import { encryptionHeader } from './settings.ts'

/**
 * A server that does not know the header takes the object in silence, in the clear (seen with VersityGW). Others say how
 * they encrypt, if not in this answer (SeaweedFS), then to HEAD.
 *
 * @param key in the bucket.
 * @param said what the answer says of encryption, where there was one.
 * @throws NimctlError `check-failed` / `ENCRYPTION_NOT_CONFIRMED`.
 */
export async function confirmEncryption(
  session: Session,
  { key, said, signal }: { key: string; said?: unknown; signal: AbortSignal },
): Promise<void> {
  const { sse, bucket } = session
  if (sse === undefined || said === sse) return
  const { headers } = await session.ask('HeadObject', { method: 'HEAD', key, signal })
  const found = headers[encryptionHeader]
  if (found === sse) return
  throw new NimctlError('check-failed', 'ENCRYPTION_NOT_CONFIRMED', {
    what: `The server does not say that it encrypted s3://${bucket}/${key} with ${sse}.`,
    why: typeof found === 'string' ? `It says ${found}.` : 'It says nothing of encryption.',
    next: 'Set encryption up on the server, or go without --sse. What was sent before this error may lie there in the clear.',
  })
}
