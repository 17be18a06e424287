/** Every category of failure and the exit code that scripts see. Codes are added, never reused: docs/exit-codes.md. */
export const exitCodes = {
  unexpected: 1,
  usage: 2,
  'check-failed': 3,
  auth: 4,
  'not-found': 5,
  unavailable: 6,
  'missing-tool': 7,
  local: 8,
} as const

export type ErrorCategory = keyof typeof exitCodes

/**
 * How a failed request can be mended: the same one again, the same one with credentials read anew, a new multipart
 * upload (the old one is gone), or not at all.
 */
export type Mend = 'same' | 'new-credentials' | 'new-upload' | 'not'

export interface ErrorDetails {
  /** What failed, one sentence, naming the path, URL or key. */
  what: string
  /** What was expected and what was found. */
  why?: string | undefined
  /** The command or change that mends it. */
  next?: string | undefined
  /** Defaults to `same` for `unavailable`, else `not`. */
  mend?: Mend
  /** When the server asked to come back, in milliseconds from the answer. */
  retryAfterMs?: number | undefined
  cause?: unknown
}

/** A failure that the user can act on. Anything else that is thrown is a bug in nimctl and exits with 1. */
export class NimctlError extends Error {
  readonly category: ErrorCategory
  /** Stable name for scripts and docs, such as `BUCKET_NOT_FOUND`. */
  readonly code: string
  readonly why: string | undefined
  readonly next: string | undefined
  readonly mend: Mend
  readonly retryAfterMs: number | undefined

  constructor(category: ErrorCategory, code: string, { what, why, next, mend, retryAfterMs, cause }: ErrorDetails) {
    super(what, { cause })
    this.name = 'NimctlError'
    this.category = category
    this.code = code
    this.why = why
    this.next = next
    this.mend = mend ?? (category === 'unavailable' ? 'same' : 'not')
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether the same request may succeed when it is simply made again. */
export function isRetryable(error: unknown): error is NimctlError {
  return error instanceof NimctlError && (error.mend === 'same' || error.mend === 'new-credentials')
}

/** The code of a Node.js or SDK error (`ENOENT`, `ECONNREFUSED`), where it has one. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
