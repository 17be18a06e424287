import { type ErrorDetails, NimctlError } from '../../system/errors.ts'
import { namingIssuer } from '../../system/http/issuer.ts'
import type { Known } from './error-table.ts'

/** An error's sentences. */
export type Words = Pick<ErrorDetails, 'what' | 'why' | 'next'>

/** What came of one request, as its sentences need it. */
export interface Told {
  /** The server, as errors name it. */
  server: string
  /** What the request was about. */
  target: string
  /** What to say where no sentence knows more. */
  failed: string
  /** The server's own words in a sentence. */
  said: string
  /** Of Node.js, where no answer came. */
  systemCode?: string | undefined
  message: string
}

/** Of codes that mean the same in every store. A store has sentences of its own for others, and where it knows more. */
export function wordsForAll(code: string, told: Told): Words {
  return sentences[code]?.(told) ?? { what: told.failed, why: told.said }
}

const sentences: Record<string, (told: Told) => Words> = {
  STORE_THROTTLED: ({ server, said }) => ({ what: `${server} asks for fewer requests.`, why: said }),
  STORE_FULL: ({ server, said }) => ({ what: `${server} has no room for more.`, why: said }),
  CHECKSUM_MISMATCH: ({ target, said }) => ({ what: `${target} did not arrive as it was sent.`, why: said }),
  STORE_KEY_EXISTS: ({ target }) => ({
    what: `${target} exists already.`,
    why: 'It was to be created only if it is absent.',
  }),
  STORE_KEY_NOT_ALLOWED: ({ server, target, said }) => ({
    what: `${server} does not take the name ${target}.`,
    why: said,
    next: 'Rename the file, or choose a shorter prefix.',
  }),
  TLS_CERTIFICATE_REFUSED: ({ server, systemCode, message }) => ({
    what: `The certificate of ${server} is not trusted.`,
    why: `${systemCode}: ${message}`,
    next: 'Name the CA that signed it: --ca-file FILE (or NODE_EXTRA_CA_CERTS).',
  }),
  TLS_NOT_SPOKEN: ({ server, systemCode }) => ({
    what: `${server} does not answer with TLS.`,
    why: systemCode,
    next: 'Look at the address: is it http:// there?',
  }),
}

/** @param from when the server asked to come back, and what it is made of. */
export function storeError(
  { category, code, mend }: Known,
  words: Words,
  from: Pick<ErrorDetails, 'retryAfterMs' | 'cause'>,
): NimctlError {
  return new NimctlError(category, code, { ...words, ...(mend !== undefined && { mend }), ...from })
}

/** A certificate that was refused comes with the name of who signed it; other errors stay as they are. */
export async function withIssuer(error: unknown, endpoint: string): Promise<unknown> {
  const refused = error instanceof NimctlError && error.code === 'TLS_CERTIFICATE_REFUSED'
  return refused ? await namingIssuer(error, endpoint) : error
}

/** @param serverMs what the server's clock says, in milliseconds since 1970; NaN where it does not say. */
export function skewWords(server: string, serverMs: number): Words {
  const seconds = Math.round((Date.now() - serverMs) / 1000)
  return {
    what: `The clock of this machine differs too much from that of ${server}.`,
    why: Number.isNaN(seconds)
      ? 'The server does not say what time it has.'
      : `This machine is ${Math.abs(seconds)} seconds ${seconds < 0 ? 'behind' : 'ahead'}.`,
    next: 'Set the clock, or let it be set (NTP).',
  }
}

/** The tables read 412 as the answer to a write; where an ETag was asked for, it is another object now. */
export function asObjectChanged(error: unknown, name: string): unknown {
  return error instanceof NimctlError && error.code === 'STORE_KEY_EXISTS' ? objectChanged(name, error) : error
}

export function objectChanged(name: string, cause?: unknown): NimctlError {
  return new NimctlError('check-failed', 'OBJECT_CHANGED', {
    what: `${name} was replaced while it was read or copied.`,
    why: 'It no longer has the ETag that it had before.',
    next: 'Run the same command again when nobody writes there any more.',
    cause,
  })
}
