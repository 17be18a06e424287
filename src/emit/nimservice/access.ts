import { checkReferredName } from '../../operator/names.ts'
import type { EnvVariable } from '../../operator/objects.ts'
import { needsAuthSecret, type OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import { offlineEnvironment } from '../offline-env.ts'
import { emitted, type Comment, type EmitResult } from '../result.ts'
import type { AccessRequest } from './serving.ts'

/** The Secret that the CRD wants up to 3.1.2; nobody reads it, and it need not exist. */
const unusedAuthSecret = 'unused-airgap'

export interface AccessFields extends EmitResult {
  fields: { authSecret?: string }
  env: EnvVariable[]
}

export function isOnline({ online, authSecret }: AccessRequest = {}): boolean {
  return online === true || authSecret !== undefined
}

/**
 * Whether a NIM has a key and may ask outside. Not by default: then it has neither, and is told so.
 *
 * @param family of the inventory; unknown: only what suits all.
 * @throws NimctlError `usage` / `AUTH_SECRET_REQUIRED`, `NAME_INVALID`.
 */
export function accessFields(
  access: AccessRequest | undefined,
  { family, version }: { family: string | undefined; version: OperatorVersion },
): AccessFields {
  if (!isOnline(access)) return offline(family, version)
  const { authSecret } = access ?? {}
  if (authSecret === undefined) {
    if (needsAuthSecret(version)) throw authSecretRequired(version)
    return { ...emitted({}), fields: {}, env: [] }
  }
  checkReferredName('Secret', authSecret)
  const prerequisites = [`Secret ${authSecret} with the key NGC_API_KEY`]
  return { ...emitted({ prerequisites }), fields: { authSecret }, env: [] }
}

function offline(family: string | undefined, version: OperatorVersion): AccessFields {
  const needed = needsAuthSecret(version)
  return {
    ...emitted({ comments: needed ? authSecretComments : [] }),
    fields: needed ? { authSecret: unusedAuthSecret } : {},
    env: offlineEnvironment(family, version),
  }
}

function authSecretRequired(version: OperatorVersion): NimctlError {
  return new NimctlError('usage', 'AUTH_SECRET_REQUIRED', {
    what: 'A NIM that may ask outside needs the Secret with its key.',
    why: `Operator ${version} makes NGC_API_KEY of it, and its CRD wants one.`,
    next: 'Name it: --auth-secret ngc-api-secret',
  })
}

/** reference/operator.md, section 4, and reference/kubernetes.md: tried on the real operator. */
const authSecretComments: Comment[] = [
  {
    kind: 'NIMService',
    path: ['spec', 'authSecret'],
    text: 'The CRD wants a name up to operator 3.1.2; nothing reads it, and the Secret need not exist.',
  },
  {
    kind: 'NIMService',
    path: ['spec', 'env', 'NGC_API_KEY'],
    text: 'Empty on purpose: it replaces the reference to authSecret, so the NIM has no key and asks nobody.',
  },
]
