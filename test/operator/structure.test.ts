import { describe, expect, it } from 'vitest'

import { checkObject, droppedFields } from '../../src/operator/check-object.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import type { OperatorVersion } from '../../src/operator/versions.ts'
import { aBuild, aCache, aPipeline, aService, type Changes } from './objects.ts'

type Case = [finding: string, changes: Changes, version?: OperatorVersion]

const dra = (resource: object): Changes => ({ 'spec.draResources': [resource] })
const device = { name: 'gpu' }
const gateway = { name: 'g', namespace: 'n' }
const router = (fields: object): Changes => ({ 'spec.expose.router': { hostDomainName: 'h', ...fields } })
const container = { name: 'epp', image: { repository: 'r/epp', tag: '1' } }

describe('types and bounds of a NIMService', () => {
  it.each<Case>([
    [
      'refused wrong-type spec.image.tag: must be text, not the value 1.8: write "1.8", in quotes',
      { 'spec.image.tag': 1.8 },
    ],
    [
      'refused wrong-type spec.storage.readOnly: must be true or false, not the text "yes"',
      { 'spec.storage.readOnly': 'yes' },
    ],
    ['refused wrong-type spec.args: must be a list, not the text "-v"', { 'spec.args': '-v' }],
    [
      'refused wrong-type spec.nodeSelector.zone: must be text, not the value true: write "true", in quotes',
      { 'spec.nodeSelector': { zone: true } },
    ],
    ['refused wrong-type spec.replicas: must be a whole number, not the value 1.5', { 'spec.replicas': 1.5 }],
    ['refused wrong-type spec.args[0]: must be text, not empty', { 'spec.args': [null] }],
    [
      'refused wrong-quantity spec.storage.sharedMemorySizeLimit: must be a quantity such as 50Gi, not "16 GB"',
      { 'spec.storage.sharedMemorySizeLimit': '16 GB' },
    ],
    [
      'refused wrong-value spec.inferencePlatform: must be one of standalone, kserve, not "KServe"',
      { 'spec.inferencePlatform': 'KServe' },
    ],
    ['refused too-small spec.replicas: must be at least 0, not -1', { 'spec.replicas': -1 }],
    ['refused too-small spec.replicas: must be at least 1, not 0', { 'spec.replicas': 0 }, '3.0.2'],
    [
      'refused too-large spec.expose.service.port: must be at most 65535, not 65536',
      { 'spec.expose.service.port': 65_536 },
    ],
    ['refused too-large spec.replicas: must be at most 2147483647, not 2147483648', { 'spec.replicas': 2 ** 31 }],
    [
      'refused too-short spec.expose.router.gateway.name: must not be empty',
      router({ gateway: { ...gateway, name: '' } }),
    ],
    [
      'refused too-long spec.expose.router.hostDomainName: must have at most 63 characters, not 64',
      router({ hostDomainName: 'a'.repeat(64) }),
    ],
    ['refused required-field spec.expose.router.gateway.namespace: is required', router({ gateway: { name: 'g' } })],
    ['refused required-field spec.authSecret: is required', { 'spec.authSecret': undefined }, '3.1.2'],
  ])('%s', (finding, changes, version) => {
    expect(told(aService(changes), version)).toContain(finding)
  })

  it('takes defaults for required fields, and an empty field for none', () => {
    expect(told(aService({ 'spec.multiNode': { parallelism: { tensor: 8 }, mpi: {} } }))).toEqual([])
    expect(told(aCache({ 'spec.source.ngc.modelEndpoint': null, 'spec.nodeSelector.zone': null }))).toEqual([])
    const dataStore = {
      endpoint: 'http://d/v1/hf',
      authSecret: 'a',
      pullSecret: 'b',
      modelPuller: 'r/i:1',
      modelName: 'm',
    }
    expect(told(aCache({ 'spec.source': { dataStore } }))).toEqual([])
  })

  it('wants each claim of resources once', () => {
    const claims = [{ name: 'gpu' }, { name: 'gpu' }]
    expect(told(aService({ 'spec.resources.claims': claims }))).toContain(
      'refused repeated-item spec.resources.claims[1].name: must be unique; "gpu" stands in the list before',
    )
  })
})

describe('metadata of any object', () => {
  const secret = (metadata: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata }) as KubernetesObject

  it.each([
    [{ name: 'Upper' }, 'refused wrong-name metadata.name'],
    [{}, 'refused required-field metadata.name'],
    [{ name: 'a', namespace: 'a.b' }, 'refused wrong-name metadata.namespace'],
    [{ name: 'a', labels: { key: 'a b' } }, 'refused wrong-form metadata.labels.key'],
    [{ name: 'a', labels: { version: 1 } }, 'refused wrong-type metadata.labels.version'],
    [{ name: 'a', annotations: { 'a b': 'c' } }, 'refused wrong-name metadata.annotations["a b"]'],
  ])('%j: %s', (metadata, finding) => {
    expect(told(secret(metadata))).toEqual([expect.stringContaining(finding)])
  })

  it('may leave the name to the server, and have texts of any length in annotations', () => {
    expect(told(secret({ generateName: 'a-', annotations: { 'a.b/c': 'x y'.repeat(99) } }))).toEqual([])
  })

  it.each([null, 5, 'text', [], {}, { apiVersion: 1, kind: [], metadata: 'x', spec: [] }])('stands %j', object => {
    expect(checkObject(object as unknown as KubernetesObject, 'main').length).toBeGreaterThan(0)
  })
})

describe('fields that this version drops', () => {
  it.each<Case>([
    [
      'dropped field-of-later-version spec.expose.router: is dropped by operator 3.0.2: it is there from 3.1.0',
      router({}),
      '3.0.2',
    ],
    [
      'dropped field-of-later-version spec.priorityClassName: is dropped by operator 3.1.1: it is there from 3.1.2',
      { 'spec.priorityClassName': 'a' },
      '3.1.1',
    ],
    [
      'dropped misplaced-field spec.router: is dropped by operator main: its place is spec.expose.router',
      { 'spec.router': {} },
    ],
    [
      'dropped mistyped-field spec.replica: is dropped by operator main: the field is called replicas',
      { 'spec.replica': 1 },
    ],
    [
      'dropped mistyped-field spec.storage.hostpath: is dropped by operator main: the field is called hostPath',
      { 'spec.storage.hostpath': '/a' },
    ],
    [
      'dropped unknown-field spec.securityContext: is dropped by operator main: spec has no such field',
      { 'spec.securityContext': {} },
    ],
    [
      'dropped unknown-field specification: is dropped by operator main: the object has no such field',
      { specification: {} },
    ],
  ])('%s', (finding, changes, version) => {
    expect(told(aService(changes), version)).toEqual([finding])
  })

  it('are listed for who writes objects', () => {
    const object = aService({ 'spec.initContainers': [container], 'spec.expose.service.labels': { a: 'b' } })
    expect(droppedFields(object, '3.0.0')).toEqual(['spec.expose.service.labels', 'spec.initContainers'])
    expect(droppedFields(object, '3.1.1')).toEqual(['spec.expose.service.labels'])
    expect(droppedFields(object, 'main')).toEqual([])
  })

  it('may be any in the configuration of an endpoint picker', () => {
    const config = { plugins: [], schedulingProfiles: [], anything: { else: 1 } }
    expect(told(aService(router({ eppConfig: { containerSpec: container, config } })))).toEqual([])
  })
})

describe('CEL rules', () => {
  const cache = (source: object): KubernetesObject => aCache({ 'spec.source': source })
  const hub = { endpoint: 'https://h', namespace: 'n', authSecret: 'a', pullSecret: 'b', modelPuller: 'r/i:1' }
  const scale = { enabled: true, hpa: { maxReplicas: 2 } }

  it.each<[rule: string, bad: KubernetesObject, good: KubernetesObject]>([
    ['nimcache-one-source', cache({}), cache({ hf: { ...hub, modelName: 'm' } })],
    ['nimcache-model-or-dataset', cache({ hf: hub }), cache({ hf: { ...hub, datasetName: 'd' } })],
    [
      'nimcache-model-or-endpoint',
      aCache({ 'spec.source.ngc.modelEndpoint': 'e' }),
      aCache({ 'spec.source.ngc.modelEndpoint': 'e', 'spec.source.ngc.model': undefined }),
    ],
    [
      'nimservice-multi-node-without-scale',
      aService({ 'spec.multiNode': { parallelism: {} }, 'spec.scale': scale, 'spec.replicas': undefined }),
      aService({ 'spec.multiNode': { parallelism: {} }, 'spec.scale': { enabled: false } }),
    ],
    [
      'nimservice-replicas-or-scale',
      aService({ 'spec.scale': scale }),
      aService({ 'spec.scale': scale, 'spec.replicas': undefined }),
    ],
    [
      'nimservice-ingress-once',
      aService({ ...router({ ingress: { ingressClass: 'a' } }), 'spec.expose.ingress': { enabled: true } }),
      aService({ ...router({ ingress: { ingressClass: 'a' } }), 'spec.expose.ingress': { enabled: false } }),
    ],
    [
      'router-gateway-or-ingress',
      aService(router({ gateway, ingress: { ingressClass: 'a' } })),
      aService(router({ gateway })),
    ],
    [
      'endpoint-picker-config-once',
      aService(
        router({
          eppConfig: {
            containerSpec: container,
            config: { plugins: [], schedulingProfiles: [] },
            configMapRef: { key: 'a' },
          },
        }),
      ),
      aService(router({ eppConfig: { containerSpec: container, configMapRef: { key: 'a' } } })),
    ],
    [
      'backend-service-needs-port',
      aService(router({ gateway: { ...gateway, backendRef: { name: 'a' } } })),
      aService(router({ gateway: { ...gateway, backendRef: { name: 'a', kind: 'InferencePool' } } })),
    ],
    [
      'multi-node-mpi-or-ray',
      aService({ 'spec.multiNode': { parallelism: {}, mpi: {}, ray: {} } }),
      aService({ 'spec.multiNode': { parallelism: {}, ray: {} } }),
    ],
    [
      'compute-domain-name',
      aService({ 'spec.multiNode': { parallelism: {}, computeDomain: { create: true, name: 'a' } } }),
      aService({ 'spec.multiNode': { parallelism: {}, computeDomain: { create: true } } }),
    ],
    ['compute-domain-name', aService({ 'spec.multiNode': { parallelism: {}, computeDomain: {} } }), aService()],
    [
      'dra-cel-expressions-alone',
      aService(
        dra({ claimCreationSpec: { devices: [{ ...device, celExpressions: ['true'], attributeSelectors: [] }] } }),
      ),
      aService(dra({ claimCreationSpec: { devices: [{ ...device, celExpressions: ['true'] }] } })),
    ],
    ['dra-one-claim-source', aService(dra({})), aService(dra({ resourceClaimTemplateName: 'a' }))],
  ])('%s', (rule, bad, good) => {
    const refused = (object: KubernetesObject) =>
      checkObject(object, 'main')
        .filter(({ severity }) => severity === 'refused')
        .map(finding => finding.rule)
    expect(refused(bad)).toEqual([rule])
    expect(refused(good)).toEqual([])
  })

  it('count from their version on, and for the services of a pipeline as well', () => {
    const both = { 'spec.scale': scale }
    expect(told(aService(both), '3.0.1').join()).not.toContain('nimservice-replicas-or-scale')
    const piped = aPipeline({ 'spec.services.0.spec.scale': scale })
    expect(told(piped).join()).toContain('refused nimservice-replicas-or-scale spec.services[0].spec')
  })

  it('leave a NIMBuild without a change alone', () => {
    expect(told(aBuild())).toEqual([])
  })
})

function told(object: KubernetesObject, version: OperatorVersion = 'main'): string[] {
  return checkObject(object, version).map(
    ({ severity, rule, path, message }) => `${severity} ${rule} ${path}: ${message}`,
  )
}
