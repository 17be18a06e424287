import type { Finding } from '../finding.ts'
import { fitsJobLabel } from '../names.ts'
import { at, objectAt, textAt, textsAt } from '../plain.ts'
import { isFrom } from '../versions.ts'
import { checkCreatedClaim } from './claim-controller.ts'
import { reporting, type Subject, when } from './rule.ts'

const source = 'k8s-nim-operator internal/controller/nimcache_controller.go; reference/operator.md, section 3'
const fails = reporting({ source, severity: 'fails' })
const warning = reporting({ source, severity: 'warning' })
const advice = reporting({ source: 'reference/kubernetes.md, "The real NIM Operator"', severity: 'advice' })

/** What a NIMCache that the CRD and the webhook take does not do in the controller. */
export function checkNimCacheController(subject: Subject): Finding[] {
  return [
    ...checkName(subject),
    ...checkDeprecated(subject),
    ...checkCreatedClaim(at(subject.spec, 'storage', 'pvc'), fails),
    ...checkSelection(subject),
    ...checkHub(subject),
    ...checkPod(subject),
  ]
}

function checkName({ name }: Subject): Finding[] {
  return when(!fitsJobLabel(name), () => ({
    ...fails('nimcache-name-too-long', '', `"${name}" must have at most 59 characters: its Job is called ${name}-job`),
    path: 'metadata.name',
  }))
}

function checkDeprecated({ spec }: Subject): Finding[] {
  return [
    ...when(at(spec, 'certConfig') !== undefined, () =>
      fails(
        'nimcache-cert-config',
        'certConfig',
        'makes the controller stop: name the ConfigMap in spec.proxy.certConfigMap',
      ),
    ),
    ...when(textAt(spec, 'storage', 'hostPath') !== '', () =>
      fails(
        'nimcache-host-path',
        'storage.hostPath',
        'is never read: a NIMCache needs a claim (spec.storage.pvc), or a NIMService can use spec.storage.hostPath',
      ),
    ),
  ]
}

function checkSelection({ spec }: Subject): Finding[] {
  const ngc = objectAt(spec, 'source', 'ngc')
  if (ngc === undefined || at(ngc, 'modelEndpoint') !== undefined) return []
  const profiles = textsAt(ngc, 'model', 'profiles')
  const choosing = Object.values(objectAt(ngc, 'model') ?? {}).some(value => value !== '' && !isEmptyList(value))
  return [
    ...when(profiles.includes('all'), () =>
      warning(
        'profiles-all',
        'source.ngc.model.profiles',
        'all leaves status.profiles empty: no GPUs are counted for a NIMService and no NIMBuild works; name the profiles',
      ),
    ),
    ...when(!choosing, () =>
      warning(
        'profiles-not-chosen',
        'source.ngc.model',
        'chooses nothing, so every profile that fits the GPUs of the nodes is cached; name the profiles',
      ),
    ),
  ]
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}

/** `GetHFUri` takes the model's name without looking whether there is one. */
function checkHub({ spec, version }: Subject): Finding[] {
  const hub = ['hf', 'dataStore'].find(name => at(spec, 'source', name, 'datasetName') !== undefined)
  return when(hub !== undefined && isFrom(version, '3.1.1'), () =>
    warning(
      'dataset-without-manifest',
      `source.${hub}.datasetName`,
      'makes the operator fail where the modelPuller has no model manifest: use one that has',
    ),
  )
}

function checkPod({ spec, version }: Subject): Finding[] {
  const proxy = objectAt(spec, 'proxy')
  return [
    ...when(at(spec, 'userID') === 0, () =>
      fails('nimcache-root', 'userID', 'must not be 0: the Job runs as non-root, so its container would not start'),
    ),
    ...when(proxy !== undefined && textAt(proxy, 'certConfigMap') === '' && !isFrom(version, '3.0.2'), () =>
      fails('proxy-needs-cert', 'proxy.certConfigMap', 'is required before operator 3.0.2, which mounts it unasked'),
    ),
    ...when(at(spec, 'nodeSelector') === undefined, () =>
      advice(
        'node-selector-default',
        'nodeSelector',
        'is feature.node.kubernetes.io/pci-10de.present: "true" where nothing is given; without such a node everything stays Pending',
      ),
    ),
    ...when(at(spec, 'storage', 'pvc', 'storageClass') === '', () =>
      advice('storage-class-empty', 'storage.pvc.storageClass', '"" counts as not set: the default class is taken'),
    ),
  ]
}
