import { NimctlError } from '../../system/errors.ts'

/**
 * Some failures hide their reason: an answer to HEAD has no body that could name it, and an answer that comes while a
 * part is still being sent is lost when the server closes the connection (seen with VersityGW). Asking for something
 * small brings it to light; where that gives no reason, the first error counts.
 */
export async function explained<T>(
  { unclear, ask, signal }: { unclear: readonly string[]; ask: () => Promise<unknown>; signal: AbortSignal },
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await send()
  } catch (error) {
    if (signal.aborted || !(error instanceof NimctlError) || !unclear.includes(error.code)) throw error
    await ask().catch((reason: unknown) => {
      if (reason instanceof NimctlError && reasons.has(reason.code)) throw reason
    })
    throw error
  }
}

/** What one request says of all others. */
const reasons = new Set(['UPLOAD_GONE', 'CREDENTIALS_EXPIRED', 'CREDENTIALS_REFUSED', 'CLOCK_SKEW', 'WRONG_REGION'])
