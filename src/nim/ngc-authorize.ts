import { NimctlError } from '../system/errors.ts'
import type { Secret } from '../system/secret.ts'
import { invalidAnswer } from './ngc-errors.ts'

/** Tokens live for about 15 minutes (reference/nim.md, section 8). */
const tokenMs = 10 * 60_000

interface AuthorizeOptions {
  key: Secret
  /** Where keys are exchanged. */
  auth: URL
  /** The body of an address, asked for with this header. */
  read: (url: URL, authorization: string, signal: AbortSignal) => Promise<Buffer | undefined>
}

/**
 * Says what stands in the header Authorization for a repository: personal keys (`nvapi-…`) as they are; those of the old
 * kind are exchanged for a token of the team, once for all who ask beside each other.
 *
 * @throws NimctlError `auth` / `NGC_KEY_REFUSED` for what can't stand in a header; `unavailable` / `NGC_ANSWER_INVALID`;
 * and what `read` throws.
 */
export function authorizing({ key, auth, read }: AuthorizeOptions) {
  const tokens = new Map<string, { token: Promise<string>; since: number }>()
  return async (repository: string, signal: AbortSignal): Promise<string> => {
    if (!/^[\x21-\x7e]+$/.test(key.unwrap())) throw noKey()
    if (key.unwrap().startsWith('nvapi-')) return `Bearer ${key.unwrap()}`
    const scope = scopeOf(repository)
    const known = tokens.get(scope)
    if (known !== undefined && performance.now() - known.since < tokenMs) return `Bearer ${await known.token}`
    const url = new URL(`${auth.href.replace(/\/$/, '')}/token?service=ngc&scope=${scope}`)
    const basic = `Basic ${Buffer.from(`$oauthtoken:${key.unwrap()}`).toString('base64')}`
    const token = read(url, basic, signal).then(body => readToken(body, repository))
    tokens.set(scope, { token, since: performance.now() })
    // Who was refused may be let in the next time.
    token.catch(() => tokens.delete(scope))
    return `Bearer ${await token}`
  }
}

/** `group/ngc:org/team`, or `group/ngc:org` where the repository has no team. */
function scopeOf(repository: string): string {
  return `group/ngc:${repository.split('/').slice(0, -1).map(encodeURIComponent).join('/')}`
}

function readToken(body: Buffer | undefined, repository: string): string {
  try {
    const { token }: { token?: unknown } = JSON.parse(body?.toString('utf8') ?? '')
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  throw invalidAnswer(repository, 'It gave no token for the key.')
}

function noKey(): NimctlError {
  return new NimctlError('auth', 'NGC_KEY_REFUSED', {
    what: 'What is given as the NGC key is none: it holds white space or characters that no key has.',
    next: 'Export the key alone, without quotes in it: export NGC_API_KEY=…',
  })
}
