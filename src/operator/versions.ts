import { NimctlError } from '../system/errors.ts'

/**
 * Releases of the NIM Operator whose CRDs were read, oldest first; `main` is the state of 2026-08-19. The CRDs and the
 * webhooks of 3.0.1 are those of 3.0.0 (compared in the repository at the two tags).
 */
export const operatorVersions = ['3.0.0', '3.0.1', '3.0.2', '3.1.0', '3.1.1', '3.1.2', 'main'] as const

export type OperatorVersion = (typeof operatorVersions)[number]

/** What `emit` writes for where nobody says which operator runs. */
export const newestOperatorRelease: OperatorVersion = '3.1.2'

interface Feature {
  since: OperatorVersion
  source: string
}

/** What nimctl does differently by version. Fields that are in all of them need no row (reference/operator.md, section 1). */
const features = {
  'replicas-zero': {
    since: '3.1.0',
    source: 'NIMService CRD: spec.replicas minimum 1 up to 3.0.2, 0 from 3.1.0',
  },
  'init-containers': {
    since: '3.1.0',
    source: 'NIMService CRD: spec.initContainers from 3.1.0; before, the server drops them silently',
  },
  'native-download': {
    since: '3.1.2',
    source: 'images labelled com.nvidia.nim.model_download_protocol=native-v1 are recognised from 3.1.2',
  },
  'optional-auth-secret': {
    since: 'main',
    source: 'NIMService CRD: spec.authSecret is required up to 3.1.2 (pull request 910)',
  },
} satisfies Record<string, Feature>

export type OperatorFeature = keyof typeof features

export function hasFeature(version: OperatorVersion, feature: OperatorFeature): boolean {
  return isFrom(version, features[feature].since)
}

/** Whether a version is `since` or a later one. */
export function isFrom(version: OperatorVersion, since: OperatorVersion): boolean {
  return operatorVersions.indexOf(version) >= operatorVersions.indexOf(since)
}

/** For messages: the first version that has it. */
export function featureSince(feature: OperatorFeature): OperatorVersion {
  return features[feature].since
}

/**
 * Up to 3.1.2 a NIMService needs some `authSecret`, and the operator makes NGC_API_KEY of it, which sends an air-gapped
 * NIM to NGC (issue 887). An empty NGC_API_KEY in `spec.env` replaces that reference, so the Secret need not exist.
 */
export function needsAuthSecret(version: OperatorVersion): boolean {
  return !hasFeature(version, 'optional-auth-secret')
}

/**
 * @param text `3.1.2`, `v3.1.2` or `main`.
 * @throws NimctlError `usage` / `OPERATOR_VERSION_UNKNOWN`, with the nearest known version below.
 */
export function parseOperatorVersion(text: string): OperatorVersion {
  const wanted = text.trim().replace(/^v(?=\d)/, '')
  const known = operatorVersions.find(version => version === wanted)
  if (known !== undefined) return known
  const nearest = nearestBelow(wanted)
  throw new NimctlError('usage', 'OPERATOR_VERSION_UNKNOWN', {
    what: `nimctl does not know NIM Operator ${text}.`,
    why: `Known are ${operatorVersions.join(', ')}.`,
    next: nearest
      ? `Use --operator-version ${nearest}: the fields of a release are still there in the later ones.`
      : `Name the installed one: --operator-version ${newestOperatorRelease}`,
  })
}

/** The known release that has no more fields than this one: the newest that is not later. @param wanted `3.1.10`. */
export function nearestBelow(wanted: string): OperatorVersion | undefined {
  if (!/^\d+\.\d+\.\d+$/.test(wanted)) return undefined
  return operatorVersions.findLast(version => version !== 'main' && compareReleases(version, wanted) <= 0)
}

function compareReleases(a: string, b: string): number {
  const left = a.split('.').map(Number)
  const right = b.split('.').map(Number)
  for (const [index, number] of left.entries()) {
    const difference = number - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}
