import type { Finding } from '../finding.ts'
import { isFloating, isImageReference } from '../forms.ts'
import { objectAt, textAt } from '../plain.ts'
import { checkNimCacheController } from './nimcache-controller.ts'
import { checkNimCacheWebhook } from './nimcache-webhook.ts'
import { checkPodParts } from './pod.ts'
import { reporting, type Subject, when } from './rule.ts'

/** What the operator, and Kubernetes after it, say of a NIMCache that its CRD takes. */
export function checkNimCache(subject: Subject): Finding[] {
  return [
    ...checkNimCacheWebhook(subject),
    ...checkNimCacheController(subject),
    ...checkPodParts(subject.spec),
    ...checkPuller(subject),
  ]
}

const fails = reporting({ source: 'Kubernetes: image names of distribution/reference', severity: 'fails' })
const advice = reporting({ source: 'seed 004: VMware Private AI reference architecture', severity: 'advice' })

function checkPuller({ spec }: Subject): Finding[] {
  const name = ['ngc', 'hf', 'dataStore'].find(source => objectAt(spec, 'source', source) !== undefined) ?? 'ngc'
  const image = textAt(spec, 'source', name, 'modelPuller')
  const path = `source.${name}.modelPuller`
  return [
    ...when(image !== '' && !isImageReference(image), () =>
      fails('image-reference', path, `"${image}" is no image: REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST`),
    ),
    ...when(image !== '' && isFloating(image), () =>
      advice('image-not-pinned', path, 'may be another image tomorrow: name a version'),
    ),
  ]
}
