import type { Finding } from '../finding.ts'
import { isDnsLabel, isTakenByOperator } from '../names.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { isFrom } from '../versions.ts'
import { checkCreatedClaim } from './claim-controller.ts'
import { reporting, type Subject, when } from './rule.ts'

const source =
  'k8s-nim-operator internal/controller/platform/standalone/nimservice.go; reference/operator.md, section 4'
const fails = reporting({ source, severity: 'fails' })
const warning = reporting({ source, severity: 'warning' })

/** What a NIMService that the CRD and the webhook take does not do in the controller. */
export function checkNimServiceController(subject: Subject): Finding[] {
  return [
    ...checkNimServiceName(subject.name, 'metadata.name'),
    ...checkCreatedClaim(at(subject.spec, 'storage', 'pvc'), fails),
    ...checkStorage(subject),
    ...checkService(subject),
    ...checkContainers(subject),
  ]
}

/** @param path of the name, for messages. */
export function checkNimServiceName(name: string, path: string): Finding[] {
  const message = isTakenByOperator(name)
    ? `"${name}" is the name of an object that the operator makes for its caches`
    : `"${name}" must be a name for a Service: lower-case letters, digits and -, a letter first, at most 63 characters, no dots`
  return when(isTakenByOperator(name) || !isDnsLabel(name), () => ({ ...fails('nimservice-name', '', message), path }))
}

function checkStorage({ spec, version }: Subject): Finding[] {
  const storage = objectAt(spec, 'storage')
  const hostPath = textAt(storage, 'hostPath')
  const one = ['ReadWriteOnce', 'ReadWriteOncePod'].includes(textAt(storage, 'pvc', 'volumeAccessMode'))
  const pods = podCount(spec)
  return [
    ...when(hostPath !== '' && !isFrom(version, '3.0.2'), () =>
      fails('host-path-of-later-version', 'storage.hostPath', 'is read from operator 3.0.2 on: use a claim'),
    ),
    ...when(hostPath !== '' && (!hostPath.startsWith('/') || hostPath.split('/').includes('..')), () =>
      fails('host-path-form', 'storage.hostPath', `"${hostPath}" must be an absolute path without ..`),
    ),
    ...when(one && pods > 1, () =>
      warning(
        'one-node-claim',
        'storage.pvc.volumeAccessMode',
        `lets one node use the claim, and there may be ${pods} pods: use ReadWriteMany, where a storage class offers it`,
      ),
    ),
    ...when(at(storage, 'readOnly') === true, () =>
      warning(
        'read-only-cache',
        'storage.readOnly',
        'has made NIMs refuse their cache ("Unable to write to NIM_CACHE_PATH"): leave it false unless it was tried',
      ),
    ),
  ]
}

/** As many pods as the spec may come to. */
export function podCount(spec: unknown): number {
  const most = at(spec, 'scale', 'enabled') === true ? at(spec, 'scale', 'hpa', 'maxReplicas') : at(spec, 'replicas')
  return typeof most === 'number' ? most : 1
}

function checkService({ spec }: Subject): Finding[] {
  const service = objectAt(spec, 'expose', 'service')
  const type = textAt(service, 'type')
  const ports = ['port', 'grpcPort', 'metricsPort'].map(field => ({ field, port: at(service, field) }))
  return [
    ...when(service === undefined, () =>
      fails('service-port-unset', 'expose.service', 'must be given: only then the port has its default of 8000'),
    ),
    ...when(!['', 'ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'].includes(type), () =>
      fails('service-type', 'expose.service.type', `"${type}" must be ClusterIP, NodePort or LoadBalancer`),
    ),
    ...ports.flatMap(({ field, port }, index) =>
      when(port !== undefined && ports.findIndex(other => other.port === port) < index, () =>
        fails('service-port-repeated', `expose.service.${field}`, `${String(port)} is a port that another field has`),
      ),
    ),
  ]
}

function checkContainers({ spec }: Subject): Finding[] {
  const alone = listAt(spec, 'initContainers').length === 1 && listAt(spec, 'sidecarContainers').length === 0
  return when(alone && textAt(spec, 'proxy', 'certConfigMap') !== '', () =>
    warning(
      'scratch-not-mounted',
      'initContainers',
      'get no /scratch where there is one of them, no sidecar and a certConfigMap: use /model-store or add a second one',
    ),
  )
}
