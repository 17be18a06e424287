import type { Finding } from '../finding.ts'
import { isFloating } from '../forms.ts'
import { at, listAt, textAt } from '../plain.ts'
import { needsAuthSecret } from '../versions.ts'
import { reporting, type Subject, when } from './rule.ts'

const article = reporting({ source: 'seed 004: VMware Private AI reference architecture', severity: 'advice' })
const seen = reporting({ source: 'reference/kubernetes.md, "The real NIM Operator"; issue 887', severity: 'advice' })
const code = reporting({ source: 'reference/operator.md, section 4', severity: 'advice' })

/** What works and could be better: the constraints of a reference architecture, and what keeps a NIM from calling home. */
export function checkServingAdvice({ spec, version }: Subject): Finding[] {
  return [
    ...when(at(spec, 'storage', 'emptyDir') !== undefined, () =>
      article(
        'empty-dir-in-production',
        'storage.emptyDir',
        'is lost with the pod, which then fetches the model again: use a claim',
      ),
    ),
    ...when(textAt(spec, 'storage', 'hostPath') !== '', () =>
      article('host-path-in-production', 'storage.hostPath', 'ties the pod to a node: use a claim'),
    ),
    ...when(listAt(spec, 'draResources').length > 0, () =>
      article('dra-is-experimental', 'draResources', 'is a technology preview: ask for nvidia.com/gpu in resources'),
    ),
    ...when(isFloating(`${textAt(spec, 'image', 'repository')}:${textAt(spec, 'image', 'tag')}`), () =>
      article('image-not-pinned', 'image.tag', 'may be another image tomorrow: name a version'),
    ),
    ...when(needsEmptyKey(spec), () =>
      seen(
        'auth-secret-calls-home',
        'authSecret',
        `makes the NIM ask NGC with the key of Secret ${textAt(spec, 'authSecret')}: in an air gap ${needsAuthSecret(version) ? 'set env NGC_API_KEY to ""' : 'leave it out'}`,
      ),
    ),
    ...when(!isProfilePinned(spec), () =>
      code(
        'profile-not-pinned',
        'storage',
        'pins no profile, so the NIM chooses one: set storage.nimCache.profile, or env NIM_MODEL_PROFILE on other storage',
      ),
    ),
  ]
}

function needsEmptyKey(spec: unknown): boolean {
  const isEmptyKey = (variable: unknown) =>
    textAt(variable, 'name') === 'NGC_API_KEY' && at(variable, 'valueFrom') === undefined
  return textAt(spec, 'authSecret') !== '' && !listAt(spec, 'env').some(isEmptyKey)
}

function isProfilePinned(spec: unknown): boolean {
  const inEnv = listAt(spec, 'env').some(variable => textAt(variable, 'name') === 'NIM_MODEL_PROFILE')
  return inEnv || textAt(spec, 'storage', 'nimCache', 'profile') !== ''
}
