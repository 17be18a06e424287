import type { Finding } from '../finding.ts'
import { at, isPlain, objectAt, textAt } from '../plain.ts'
import { quantityValue } from '../quantity.ts'
import { isFrom, needsAuthSecret } from '../versions.ts'
import { checkClaim, isClaimDefined } from './claim-webhook.ts'
import { checkDraResources } from './dra-webhook.ts'
import { checkExpose } from './expose-webhook.ts'
import { checkKserve } from './kserve-webhook.ts'
import {
  nimServiceRefused as refused,
  nimServiceRoot as root,
  nimServiceWarning as warning,
} from './nimservice-report.ts'
import { type Subject, when } from './rule.ts'

/**
 * The NIMService webhook of one version (internal/webhook/apps/v1alpha1/nimservice_webhook_validation_helper.go, compared
 * at each tag; reference/operator.md, section 7). It is off by default up to 3.1.2, and asked after the CRD: what a CEL
 * rule or a bound of the same versions says already is not said again.
 */
export function checkNimServiceWebhook(subject: Subject): Finding[] {
  return [
    ...checkImage(subject),
    ...checkAuthSecret(subject),
    ...checkStorage(subject),
    ...checkExpose(subject),
    ...checkMetrics(subject),
    ...checkScale(subject),
    ...checkClaims(subject),
    ...checkDraResources(subject),
    ...checkKserve(subject),
  ]
}

function checkImage({ spec }: Subject): Finding[] {
  return ['repository', 'tag'].flatMap(field =>
    when(textAt(spec, 'image', field) === '', () =>
      refused('image-part-empty', `image.${field}`, 'Required value: is required'),
    ),
  )
}

function checkAuthSecret({ spec, version }: Subject): Finding[] {
  if (textAt(spec, 'authSecret') !== '') return []
  if (needsAuthSecret(version)) return [refused('auth-secret-empty', 'authSecret', 'Required value: is required')]
  const text =
    'is empty: NGC_API_KEY will not be injected. Omit this only for air-gapped deployments with a pre-populated local model cache'
  return [warning('auth-secret-left-out', 'authSecret', text)]
}

function checkStorage({ spec, version }: Subject): Finding[] {
  const storage = objectAt(spec, 'storage')
  const sharedMemory = quantityValue(at(storage, 'sharedMemorySizeLimit'))
  const claim = at(storage, 'pvc')
  const sources = storageSources(storage)
  const list = sourceList(isFrom(version, '3.0.2'))
  return [
    ...when(sharedMemory !== undefined && sharedMemory <= 0, () =>
      refused(
        'shared-memory-not-positive',
        'storage.sharedMemorySizeLimit',
        `Invalid value: "${String(at(storage, 'sharedMemorySizeLimit'))}": must be > 0`,
      ),
    ),
    ...when(sources.length === 0, () =>
      refused('storage-source-missing', 'storage', `Required value: one of ${list} must be defined`),
    ),
    ...when(sources.length > 1, () =>
      refused(
        'storage-source-once',
        'storage',
        `Invalid value: "multiple storage sources defined": only one of ${list} must be defined`,
      ),
    ),
    ...when(textAt(storage, 'nimCache', 'profile') !== '' && textAt(storage, 'nimCache', 'name') === '', () =>
      refused(
        'nimcache-name-missing',
        'storage.nimCache.name',
        `Required value: is required when ${root}.storage.nimCache is defined`,
      ),
    ),
    ...(isClaimDefined(claim) ? checkClaim(claim, root, refused) : []),
  ]
}

/** The sources that count as defined: an object of empty texts does not. */
function storageSources(storage: unknown): string[] {
  const cache = objectAt(storage, 'nimCache')
  return [
    ...(textAt(cache, 'name') !== '' || textAt(cache, 'profile') !== '' ? ['nimCache'] : []),
    ...(isClaimDefined(at(storage, 'pvc')) ? ['pvc'] : []),
    ...(at(storage, 'emptyDir') === undefined ? [] : ['emptyDir']),
    ...(textAt(storage, 'hostPath') === '' ? [] : ['hostPath']),
  ]
}

function sourceList(hasEmptyDir: boolean): string {
  const names = ['nimCache', 'pvc', ...(hasEmptyDir ? ['emptyDir'] : [])].map(name => `${root}.storage.${name}`)
  return `${names.join(', ')} or ${root}.storage.hostPath`
}

function checkMetrics({ spec }: Subject): Finding[] {
  const enabled = at(spec, 'metrics', 'enabled') === true
  return when(enabled && isEmpty(at(spec, 'metrics', 'serviceMonitor')), () =>
    refused(
      'metrics-need-service-monitor',
      'metrics.serviceMonitor',
      `Required value: must be defined if ${root}.metrics.enabled is true`,
    ),
  )
}

function checkScale({ spec }: Subject): Finding[] {
  return when(at(spec, 'scale', 'enabled') === true && at(spec, 'scale', 'hpa') === undefined, () =>
    refused('scale-needs-hpa', 'scale.hpa', `Required value: must be defined if ${root}.scale.enabled is true`),
  )
}

function checkClaims({ spec }: Subject): Finding[] {
  return when(at(spec, 'resources', 'claims') !== undefined, () =>
    refused('resource-claims-not-taken', 'resources.claims', 'Forbidden: must be empty'),
  )
}

/** Whether Go's structure is its zero value: texts empty, maps without entries. */
function isEmpty(value: unknown): boolean {
  if (!isPlain(value)) return true
  return Object.values(value).every(item => item === '' || (isPlain(item) && Object.keys(item).length === 0))
}
