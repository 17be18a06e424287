import type { IncomingMessage } from 'node:http'

import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { networkFailure } from '../../system/http/network-failure.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { sanitize } from '../../system/secret.ts'
import { readBody } from './body.ts'

/** What a failed connection means. NimctlErrors and bugs come back as they are. */
export function networkError(error: unknown, image: string): unknown {
  if (error instanceof NimctlError) return error
  const code = errorCode(error)
  switch (networkFailure(code)) {
    case 'unreachable':
    case 'unknown-host':
      return new NimctlError('unavailable', 'REGISTRY_UNREACHABLE', {
        what: `The registry of ${image} could not be reached.`,
        why: describe(error),
        next: 'Check its address, the network and HTTPS_PROXY, then run the same command again.',
        mend: code === 'ENOTFOUND' ? 'not' : 'same',
        cause: error,
      })
    case 'tls-not-spoken':
      return new NimctlError('unavailable', 'REGISTRY_TLS', {
        what: `The registry of ${image} speaks HTTP, not HTTPS.`,
        why: describe(error),
        next: 'Where that is meant to be so: --plain-http',
        mend: 'not',
        cause: error,
      })
    case 'certificate':
      return new NimctlError('unavailable', 'REGISTRY_TLS', {
        what: `The certificate of the registry of ${image} is not trusted.`,
        why: describe(error),
        next: 'Name the CA that issued it: --ca-file FILE (NIMCTL_CA_FILE)',
        mend: 'not',
        cause: error,
      })
    default:
      return error
  }
}

function describe(error: unknown): string {
  const [code, message] = [errorCode(error), sanitize(errorMessage(error))]
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`
}

/** Error answers are short; of longer ones the beginning is not read. */
const longestWords = 64 * 1024

/** What an answer with a bad status means; its body is read for the registry's own words. */
export async function answerError(
  incoming: IncomingMessage,
  image: string,
  { loggedIn }: { loggedIn: boolean },
): Promise<NimctlError> {
  const status = incoming.statusCode ?? 0
  const body = await readBody(incoming, { limit: longestWords, image }).catch(() => undefined)
  incoming.destroy()
  const why = [`It answers ${status}.`, registryWords(body)].filter(text => text !== '').join(' ')
  if ([401, 402, 403].includes(status)) return notAuthenticated(image, { why, loggedIn })
  if (status === 404) {
    return new NimctlError('not-found', 'IMAGE_NOT_FOUND', {
      what: `There is no image ${image}.`,
      why,
      next: loggedIn
        ? 'Check name and tag. Registries also hide what they do not permit.'
        : 'Check name and tag. Registries also hide what they do not permit: log in with docker login or skopeo login.',
    })
  }
  const retryAfterMs = parseRetryAfter(incoming.headers['retry-after'])
  if (status === 429) {
    return new NimctlError('unavailable', 'REGISTRY_THROTTLED', {
      what: `The registry of ${image} asks for fewer requests.`,
      why,
      next: 'Wait, or log in: registries let known users ask more often.',
      retryAfterMs,
    })
  }
  if (status >= 500 || status === 408) {
    return new NimctlError('unavailable', 'REGISTRY_FAILED', {
      what: `The registry failed at ${image}.`,
      why,
      next: 'Run the same command again; if that does not help, look at the registry.',
      retryAfterMs,
    })
  }
  const plain = body?.toString('latin1').includes('HTTP request to an HTTPS server') === true
  return new NimctlError('unavailable', 'REGISTRY_REFUSED', {
    what: `The registry does not answer what was asked for ${image}.`,
    why,
    next: plain ? 'It speaks HTTPS: leave out --plain-http.' : undefined,
    mend: 'not',
  })
}

/** @param loggedIn whether credentials were shown. */
export function notAuthenticated(image: string, { why, loggedIn }: { why: string; loggedIn: boolean }): NimctlError {
  const ngc = image.startsWith('nvcr.io/')
  const logIn = ngc
    ? 'Set NGC_API_KEY, or log in: docker login nvcr.io, user $oauthtoken, password your NGC key.'
    : 'Log in: docker login or skopeo login, with the name of the registry.'
  const permitted = ngc
    ? "Check the key, and whether its organization has the image's entitlement."
    : 'Check user and password, and what this user is permitted to read.'
  return new NimctlError('auth', 'REGISTRY_AUTH', {
    what: `The registry does not let you read ${image}.`,
    why,
    next: loggedIn ? permitted : logIn,
  })
}

/** `{"errors":[{"code":…,"message":…}]}` (OCI Distribution Specification, Error Codes), in one line. */
function registryWords(body: Buffer | undefined): string {
  try {
    const { errors }: { errors?: unknown } = JSON.parse(body?.toString('utf8') ?? '')
    const [first]: unknown[] = Array.isArray(errors) ? errors : []
    if (typeof first !== 'object' || first === null) return ''
    const { code, message }: { code?: unknown; message?: unknown } = first
    const words = [code, message].filter(text => typeof text === 'string').join(': ')
    return words === '' ? '' : `The registry says: ${sanitize(words).slice(0, 200)}`
  } catch {
    return ''
  }
}
