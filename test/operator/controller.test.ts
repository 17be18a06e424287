import { describe, expect, it } from 'vitest'

import { checkObject } from '../../src/operator/check-object.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import type { OperatorVersion } from '../../src/operator/versions.ts'
import { aBuild, aCache, aPipeline, aService, type Changes } from './objects.ts'

/** What CRD and webhook take, and one rule alone finds: `severity rule path`. */
type Case = [finding: string, changes: Changes, version?: OperatorVersion]

const gpu = 'nvidia.com/gpu'
const claim = { create: true, size: '50Gi', volumeAccessMode: 'ReadWriteMany' }
const pinned = { name: 'NIM_MODEL_PROFILE', value: 'a' }
const container = { name: 'init', image: { repository: 'r/tool', tag: '1' } }
const hub = { endpoint: 'https://hub', namespace: 'n', authSecret: 'a', pullSecret: 'b', modelPuller: 'r/i:1' }
const queue = { type: 'Pods', pods: { metric: { name: 'queue' }, target: { type: 'Value' } } }
const scaledBy = (hpa: object): Changes => ({
  'spec.replicas': undefined,
  'spec.scale': { enabled: true, hpa: { maxReplicas: 2, metrics: [queue], ...hpa } },
})

it.each([aCache(), aService(), aPipeline(), aBuild()])('has nothing to say of a right object %#', object => {
  expect(said(object)).toEqual([])
})

describe('NIMCache', () => {
  it.each<Case>([
    ['fails nimcache-name-too-long metadata.name', { 'metadata.name': 'a'.repeat(60) }],
    ['fails nimcache-host-path spec.storage.hostPath', { 'spec.storage.hostPath': '/models' }],
    ['fails nimcache-cert-config spec.certConfig', { 'spec.certConfig': { name: 'a', mountPath: '/b' } }],
    ['fails claim-needs-size spec.storage.pvc.size', { 'spec.storage.pvc.size': undefined }],
    ['fails claim-size spec.storage.pvc.size', { 'spec.storage.pvc.size': '50 GB' }],
    ['fails claim-size spec.storage.pvc.size', { 'spec.storage.pvc.size': '0' }],
    [
      'fails claim-needs-access-mode spec.storage.pvc.volumeAccessMode',
      { 'spec.storage.pvc.volumeAccessMode': undefined },
    ],
    ['warning profiles-all spec.source.ngc.model.profiles', { 'spec.source.ngc.model.profiles': ['all'] }],
    ['warning profiles-not-chosen spec.source.ngc.model', { 'spec.source.ngc.model': { profiles: [] } }],
    ['warning profiles-not-chosen spec.source.ngc.model', { 'spec.source.ngc.model': undefined }],
    [
      'warning dataset-without-manifest spec.source.hf.datasetName',
      { 'spec.source': { hf: { ...hub, datasetName: 'd' } } },
    ],
    ['fails nimcache-root spec.userID', { 'spec.userID': 0 }],
    ['fails proxy-needs-cert spec.proxy.certConfigMap', { 'spec.proxy': { httpProxy: 'http://p' } }, '3.0.0'],
    ['advice node-selector-default spec.nodeSelector', { 'spec.nodeSelector': undefined }],
    ['advice storage-class-empty spec.storage.pvc.storageClass', { 'spec.storage.pvc.storageClass': '' }],
    ['advice image-not-pinned spec.source.ngc.modelPuller', { 'spec.source.ngc.modelPuller': 'r/i:latest' }],
    ['advice image-not-pinned spec.source.ngc.modelPuller', { 'spec.source.ngc.modelPuller': 'r:5000/i' }],
    ['fails image-reference spec.source.ngc.modelPuller', { 'spec.source.ngc.modelPuller': 'https://r/i:1' }],
  ])('%s', (finding, changes, version) => {
    const ofDeprecation = (line: string) => line.startsWith('advice deprecated-field')
    expect(said(aCache(changes), version).filter(line => !ofDeprecation(line))).toEqual([finding])
  })

  it('takes what chooses otherwise: fields, an endpoint, a digest', () => {
    expect(said(aCache({ 'spec.source.ngc.model': { engine: 'tensorrt_llm' } }))).toEqual([])
    expect(said(aCache({ 'spec.source.ngc.model': undefined, 'spec.source.ngc.modelEndpoint': 'e' }))).toEqual([])
    expect(said(aCache({ 'spec.source.ngc.modelPuller': `r/i@sha256:${'ab'.repeat(32)}` }))).toEqual([])
  })
})

describe('NIMService', () => {
  it.each<Case>([
    ['fails nimservice-name metadata.name', { 'metadata.name': 'llama-3.1' }],
    ['fails nimservice-name metadata.name', { 'metadata.name': '8b' }],
    ['fails nimservice-name metadata.name', { 'metadata.name': 'nim-cache-sa' }],
    ['fails claim-needs-size spec.storage.pvc.size', onClaim({ ...claim, size: undefined })],
    [
      'warning one-node-claim spec.storage.pvc.volumeAccessMode',
      { ...onClaim({ ...claim, volumeAccessMode: 'ReadWriteOnce' }), 'spec.replicas': 2 },
    ],
    ['warning read-only-cache spec.storage.readOnly', { 'spec.storage.readOnly': true }],
    ['fails service-port-unset spec.expose.service', { 'spec.expose': undefined }],
    ['fails service-type spec.expose.service.type', { 'spec.expose.service.type': 'Loadbalancer' }],
    ['fails service-port-repeated spec.expose.service.grpcPort', { 'spec.expose.service.grpcPort': 8000 }],
    [
      'warning scratch-not-mounted spec.initContainers',
      { 'spec.initContainers': [container], 'spec.proxy': { certConfigMap: 'ca' } },
    ],
    [
      'fails gpus-in-both spec.resources.limits["nvidia.com/gpu"]',
      { 'spec.resources': { limits: { [gpu]: 1 }, requests: { [gpu]: 2 } } },
    ],
    ['fails gpus-in-both spec.resources.limits["nvidia.com/gpu"]', { 'spec.resources': { requests: { [gpu]: 1 } } }],
    ['fails gpu-count-crash spec.resources', { 'spec.resources': { limits: { cpu: 4 } } }],
    [
      'advice multi-gpu-on-vgpu spec.resources.limits["nvidia.com/gpu"]',
      { 'spec.resources': { limits: { [gpu]: 2 } } },
    ],
    ['fails hpa-bounds spec.scale.hpa.maxReplicas', scaledBy({ minReplicas: 3 })],
    ['fails hpa-maximum spec.scale.hpa.maxReplicas', scaledBy({ maxReplicas: -1 }), '3.0.0'],
    ['fails hpa-metric-type spec.scale.hpa.metrics[0].type', scaledBy({ metrics: [{ type: 'pods' }] })],
    ['fails hpa-metric-source spec.scale.hpa.metrics[0].pods', scaledBy({ metrics: [{ type: 'Pods' }] })],
    ['warning hpa-without-metrics spec.scale.hpa.metrics', scaledBy({ metrics: [] })],
    [
      'warning hpa-on-cpu spec.scale.hpa.metrics[0].resource.name',
      scaledBy({ metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization' } } }] }),
    ],
    ['fails probe-one-handler spec.livenessProbe.probe', { 'spec.livenessProbe': { probe: { periodSeconds: 5 } } }],
    [
      'fails probe-success-threshold spec.startupProbe.probe.successThreshold',
      { 'spec.startupProbe': { probe: { exec: { command: ['a'] }, successThreshold: 2 } } },
    ],
    ['advice image-not-pinned spec.image.tag', { 'spec.image.tag': 'latest' }],
    ['advice auth-secret-calls-home spec.authSecret', { 'spec.env': [] }],
    ['advice profile-not-pinned spec.storage', { 'spec.storage.nimCache.profile': '' }],
    ['advice deprecated-field spec.podAffinity', { 'spec.podAffinity': {} }],
    [
      'advice empty-dir-in-production spec.storage.emptyDir',
      { 'spec.storage': { emptyDir: {} }, 'spec.env.1': pinned },
    ],
    [
      'advice host-path-in-production spec.storage.hostPath',
      { 'spec.storage': { hostPath: '/m' }, 'spec.env.1': pinned },
    ],
    ['advice dra-is-experimental spec.draResources', { 'spec.draResources': [{ resourceClaimName: 'gpu' }] }],
  ])('%s', (finding, changes, version) => {
    expect(said(aService(changes), version)).toEqual([finding])
  })

  it.each<Case>([
    ['fails host-path-of-later-version spec.storage.hostPath', { 'spec.storage.hostPath': '/models' }, '3.0.0'],
    ['fails host-path-form spec.storage.hostPath', { 'spec.storage.hostPath': 'models' }],
    ['fails host-path-form spec.storage.hostPath', { 'spec.storage.hostPath': '/a/../b' }],
    ['warning no-gpu spec.resources', { 'spec.storage.nimCache.profile': '', 'spec.resources': undefined }],
  ])('%s, among other things', (finding, changes, version) => {
    expect(said(aService(changes), version)).toContain(finding)
  })

  it('has nothing against several GPUs with NVLink, or GPUs that the operator counts', () => {
    const nvlink = {
      'spec.resources': { limits: { [gpu]: 2 } },
      'spec.nodeSelector': { 'nvidia.com/gpu.product': 'NVIDIA-H100' },
    }
    expect(said(aService(nvlink))).toEqual([])
    expect(said(aService({ 'spec.resources': undefined }))).toEqual([])
  })
})

describe('pods that the operator makes', () => {
  const toleration = (change: object): Changes => ({
    'spec.tolerations': [{ key: gpu, operator: 'Exists', ...change }],
  })
  it.each<Case>([
    ['fails env-name spec.env[1].name', { 'spec.env.1': { name: 'A=B', value: 'c' } }],
    ['fails env-name spec.env[1].name', { 'spec.env.1': { name: '', value: 'c' } }],
    [
      'fails env-value-once spec.env[1]',
      { 'spec.env.1': { name: 'A', value: 'b', valueFrom: { secretKeyRef: { key: 'c' } } } },
    ],
    ['fails env-source-once spec.env[1].valueFrom', { 'spec.env.1': { name: 'A', valueFrom: {} } }],
    ['fails toleration-operator spec.tolerations[0].operator', toleration({ operator: 'exists' })],
    ['fails toleration-effect spec.tolerations[0].effect', toleration({ effect: 'NoScheduling' })],
    ['fails toleration-key spec.tolerations[0].operator', { 'spec.tolerations': [{ value: 'x' }] }],
    ['fails toleration-value spec.tolerations[0].value', toleration({ value: 'present' })],
    ['fails pull-policy spec.image.pullPolicy', { 'spec.image.pullPolicy': 'Sometimes' }],
    ['fails image-reference spec.image', { 'spec.image.repository': 'r/nim:1.0' }],
    ['fails label-form spec.nodeSelector.zone', { 'spec.nodeSelector': { zone: 'a b' } }],
    ['fails label-form spec.labels["a/b/c"]', { 'spec.labels': { 'a/b/c': 'd' } }],
    ['fails container-name spec.initContainers[0].name', { 'spec.initContainers': [{ ...container, name: 'Init' }] }],
    [
      'fails container-name-repeated spec.sidecarContainers[0].name',
      { 'spec.initContainers': [container], 'spec.sidecarContainers': [container] },
    ],
    [
      'warning container-pull-secrets-ignored spec.initContainers[0].image.pullSecrets',
      { 'spec.initContainers': [{ ...container, image: { ...container.image, pullSecrets: ['a'] } }] },
    ],
    [
      'fails env-name spec.initContainers[0].env[0].name',
      { 'spec.initContainers': [{ ...container, env: [{ name: '=', value: '' }] }] },
    ],
  ])('%s', (finding, changes) => {
    expect(said(aService(changes))).toEqual([finding])
  })

  it('may come from a digest, and have an empty value beside a source', () => {
    const digest = { 'spec.image.repository': 'r:5000/nim@sha256', 'spec.image.tag': 'ab'.repeat(32) }
    expect(said(aService(digest))).toEqual([])
  })
})

describe('NIMPipeline', () => {
  it.each<Case>([
    ['warning pipeline-empty spec.services', { 'spec.services': [] }],
    ['warning pipeline-service-disabled spec.services[0].enabled', { 'spec.services.0.enabled': undefined }],
    ['fails nimservice-name spec.services[0].name', { 'spec.services.0.name': undefined }],
    ['fails pipeline-service-empty spec.services[0].spec', { 'spec.services.0.spec': undefined }],
    [
      'warning pipeline-dependency-ignored spec.services[0].dependencies[0]',
      { 'spec.services.0.dependencies': [{ name: 'other', port: 8000 }] },
    ],
    ['fails image-part-empty spec.services[0].spec.image.repository', { 'spec.services.0.spec.image.repository': '' }],
  ])('%s', (finding, changes) => {
    expect(said(aPipeline(changes))).toEqual([finding])
  })

  it('has each service once', () => {
    const [service] = Object.values(aPipeline().spec ?? {}).flat()
    const twice = aPipeline({ 'spec.services': [service, service] })
    expect(said(twice)).toEqual(['fails pipeline-service-repeated spec.services[1].name'])
  })
})

describe('NIMBuild', () => {
  it.each<Case>([
    ['fails build-needs-cache spec.nimCache.name', { 'spec.nimCache.name': '' }],
    ['fails image-part-empty spec.image.repository', { 'spec.image.repository': '' }],
    ['fails image-part-empty spec.image.tag', { 'spec.image.tag': '' }],
    ['fails gpus-in-both spec.resources.requests["nvidia.com/gpu"]', { 'spec.resources': { limits: { [gpu]: 1 } } }],
    ['warning build-metadata-ignored spec.labels', { 'spec.labels': { a: 'b' } }],
    ['advice image-not-pinned spec.image.tag', { 'spec.image.tag': 'latest' }],
  ])('%s', (finding, changes) => {
    expect(said(aBuild(changes))).toContain(finding)
  })
})

function onClaim(pvc: object): Changes {
  return { 'spec.storage': { pvc }, 'spec.env.1': pinned }
}

function said(object: KubernetesObject, version: OperatorVersion = 'main'): string[] {
  return checkObject(object, version).map(({ severity, rule, path }) => `${severity} ${rule} ${path}`)
}
