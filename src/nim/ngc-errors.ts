import type { IncomingMessage } from 'node:http'

import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import { networkFailure } from '../system/http/network-failure.ts'
import { parseRetryAfter } from '../system/http/retry-after.ts'
import { readShortBody } from '../system/http/short-body.ts'
import { sanitize } from '../system/secret.ts'

const hosts = 'authn.nvidia.com, api.ngc.nvidia.com and xfiles.ngc.nvidia.com'

/** What a failed connection to NGC, or to where it keeps its files, means. NimctlErrors and bugs come back as they are. */
export function networkError(error: unknown, { host }: URL): unknown {
  if (error instanceof NimctlError) return error
  const code = errorCode(error)
  const message = sanitize(errorMessage(error))
  const why = code === undefined || message.includes(code) ? message : `${code}: ${message}`
  switch (networkFailure(code)) {
    case 'unreachable':
    case 'unknown-host':
      return new NimctlError('unavailable', 'NGC_UNREACHABLE', {
        what: `NGC could not be reached at ${host}.`,
        why,
        next: `Allow ${hosts}, or export HTTPS_PROXY; then run it again.`,
        mend: code === 'ENOTFOUND' ? 'not' : 'same',
        cause: error,
      })
    case 'tls-not-spoken':
    case 'certificate':
      return new NimctlError('unavailable', 'NGC_TLS', {
        what: `The certificate that ${host} shows is not trusted, or it speaks no TLS.`,
        why,
        next: 'Behind an inspecting proxy or a mirror of NGC: name its CA with --ca-file FILE (NIMCTL_CA_FILE).',
        mend: 'not',
        cause: error,
      })
    default:
      return error
  }
}

/** Error answers are short; of longer ones the words are left out. */
const longestWords = 64 * 1024

/**
 * What an answer with a bad status means; its body is read for NGC's own words.
 *
 * @param subject such as `nim/meta/llama:hf-8c22764`.
 */
export async function answerError(incoming: IncomingMessage, subject: string): Promise<NimctlError> {
  const status = incoming.statusCode ?? 0
  const body = await readShortBody(incoming, longestWords).catch(() => undefined)
  incoming.destroy()
  const words = wordsOf(body)
  const why = `It answers ${status}.${words === '' ? '' : ` It says: ${words}`}`
  if (status === 401) {
    return new NimctlError('auth', 'NGC_KEY_REFUSED', {
      what: `NGC refused the key for ${subject}.`,
      why,
      next: 'Make a new key (https://org.ngc.nvidia.com/setup/api-keys) and export it as NGC_API_KEY.',
    })
  }
  if (status === 402 || /not a member of the organization/i.test(words)) {
    return new NimctlError('auth', 'NGC_NOT_ENTITLED', {
      what: `NGC knows the key, but its organization may not have ${subject}.`,
      why,
      next: 'Ask for the entitlement (NVIDIA AI Enterprise), or make a key in the organization that has it.',
    })
  }
  if (status === 403) {
    return new NimctlError('auth', 'NGC_FORBIDDEN', {
      what: `NGC does not let this key have ${subject}.`,
      why,
      next: "Look at the key's services and the entitlement of its organization: https://org.ngc.nvidia.com/setup/api-keys",
    })
  }
  if (status === 404) {
    return new NimctlError('not-found', 'MODEL_NOT_FOUND', { what: `NGC has no ${subject}.`, why })
  }
  const retryAfterMs = parseRetryAfter(incoming.headers['retry-after'])
  if (status === 429) {
    return new NimctlError('unavailable', 'NGC_THROTTLED', {
      what: `NGC asks for fewer requests at ${subject}.`,
      why,
      next: 'Wait a little and run the same command again.',
      retryAfterMs,
    })
  }
  if (status >= 500 || status === 408) {
    return new NimctlError('unavailable', 'NGC_UNREACHABLE', {
      what: `NGC does not answer for ${subject}.`,
      why,
      next: 'Run the same command again.',
      retryAfterMs,
    })
  }
  return invalidAnswer(subject, why)
}

/** An answer that is none of those that are known; no second one would be another. */
export function invalidAnswer(subject: string, why: string): NimctlError {
  return new NimctlError('unavailable', 'NGC_ANSWER_INVALID', {
    what: `NGC's answer about ${subject} is not understood.`,
    why,
    next: 'Where NGC_API_ENDPOINT or NGC_AUTH_ENDPOINT is set, check that it is the API of NGC or a mirror of it.',
    mend: 'not',
  })
}

/** `{"requestStatus":{"statusCode":…,"statusDescription":…}}`, in one line. */
function wordsOf(body: Buffer | undefined): string {
  try {
    const { requestStatus }: { requestStatus?: unknown } = JSON.parse(body?.toString('utf8') ?? '')
    if (typeof requestStatus !== 'object' || requestStatus === null) return ''
    const { statusDescription }: { statusDescription?: unknown } = requestStatus
    return typeof statusDescription === 'string' ? sanitize(statusDescription).slice(0, 200) : ''
  } catch {
    return ''
  }
}
