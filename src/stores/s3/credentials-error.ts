import { NimctlError } from '../../system/errors.ts'
import { lookUp } from './error-table.ts'
import { readError } from './errors.ts'

/**
 * What kept the chain from credentials: STS, an SSO portal, a program or a file. It is not what the store says, so its
 * table would name the wrong permission.
 *
 * @param asked `profile` where one was named by flag.
 */
export function credentialsError(
  error: unknown,
  { endpoint, profile }: { endpoint: string; profile: string | undefined },
): unknown {
  const seen = readError(error)
  const known = lookUp(seen)
  if (known === undefined) return error
  const flag = profile === undefined ? '' : ` --profile ${profile}`
  if (wantsLogin.test(`${seen.name} ${seen.message}`)) {
    return new NimctlError('auth', 'CREDENTIALS_EXPIRED', {
      what: `The SSO session that gives credentials for ${endpoint} has ended.`,
      why: seen.message,
      next: `Log in, then run the same command again: aws sso login${flag}`,
      cause: error,
    })
  }
  const what = `There are no credentials for ${endpoint}.`
  const why =
    seen.status === undefined ? seen.message : `The service that gives them says ${seen.name}: ${seen.message}`
  const next = `Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (--aws-profile NAME), or see what keeps it from them: aws sts get-caller-identity${flag}`
  if (known.category === 'unavailable' && known.mend === undefined) {
    return new NimctlError('unavailable', known.code, { what, why, retryAfterMs: seen.retryAfterMs, cause: error })
  }
  const code = known.category === 'auth' ? known.code : 'CREDENTIALS_MISSING'
  return new NimctlError('auth', code, { what, why, next, cause: error })
}

/** The chain has one error for all that it misses, and its text is what tells this from the rest. */
const wantsLogin = /aws sso login|UnauthorizedException/
