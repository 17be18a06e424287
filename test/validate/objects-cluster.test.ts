import { describe, expect, it } from 'vitest'

import type { AnyObject, DryRun } from '../../src/kubernetes/objects.ts'
import { type Check, openCheckLog } from '../../src/system/check.ts'
import { silent } from '../../src/system/progress.ts'
import { validateObjects } from '../../src/validate/objects.ts'
import { readYaml } from '../../src/validate/objects/read-yaml.ts'
import { type Answers, standInCluster } from '../kubernetes/stand-in-cluster.ts'

const service = {
  apiVersion: 'apps.nvidia.com/v1alpha1',
  kind: 'NIMService',
  metadata: { name: 'llama', namespace: 'nim' },
  spec: {
    image: { repository: 'registry.internal/nim/meta/llama', tag: '1.8.4', pullSecrets: ['registry'] },
    authSecret: 'unused',
    env: [{ name: 'NGC_API_KEY', value: '' }],
    storage: { nimCache: { name: 'llama', profile: '0494aafc' } },
    replicas: 1,
    resources: { limits: { 'nvidia.com/gpu': 2 }, requests: { 'nvidia.com/gpu': 2 } },
    expose: { service: { type: 'ClusterIP', port: 8000 } },
  },
}

const cache = {
  apiVersion: 'apps.nvidia.com/v1alpha1',
  kind: 'NIMCache',
  metadata: { name: 'llama', namespace: 'nim' },
  spec: {
    source: {
      ngc: {
        modelPuller: 'registry.internal/nimctl:1',
        pullSecret: 'registry',
        authSecret: 'store',
        model: { profiles: ['0494aafc'] },
      },
    },
    env: [{ name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' }],
    storage: { pvc: { create: true, size: '50Gi', volumeAccessMode: 'ReadWriteMany' } },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
  },
}

const pod = (spec: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'nim' },
  spec: { containers: [{ name: 'a', image: 'registry.internal/a:1' }], ...spec },
})

const merged = <Value extends { spec: object }>(object: Value, spec: object): Value => ({
  ...object,
  spec: { ...object.spec, ...spec },
})

const thing = (apiVersion: string, kind: string, name: string, fields: object = {}): AnyObject => ({
  apiVersion,
  kind,
  metadata: { name },
  ...fields,
})

const node = (name: string, { gpus = 8, labels = {}, taints = [] as object[] } = {}) => ({
  ...thing('v1', 'Node', name, { spec: { taints }, status: { allocatable: { 'nvidia.com/gpu': String(gpus) } } }),
  metadata: { name, labels: { 'kubernetes.io/os': 'linux', ...labels } },
})

const secret = (name: string, type: string, ...keys: string[]) =>
  thing('v1', 'Secret', name, { type, data: Object.fromEntries(keys.map(key => [key, 'c2VjcmV0'])) })

const operator = (image = 'nvcr.io/nvidia/cloud-native/k8s-nim-operator:v3.1.2', readyReplicas = 1) => ({
  ...thing('apps/v1', 'Deployment', 'k8s-nim-operator', {
    spec: { replicas: 1, template: { spec: { containers: [{ image }] } } },
    status: { readyReplicas },
  }),
  metadata: { name: 'k8s-nim-operator', namespace: 'nim-operator' },
})

const storageClass = (name: string, provisioner = 'csi.example.com', isDefault = true) => ({
  ...thing('storage.k8s.io/v1', 'StorageClass', name, {
    provisioner,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  }),
  metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) } },
})

const whole: readonly AnyObject[] = [
  node('gpu-1'),
  thing('nvidia.com/v1', 'ClusterPolicy', 'cluster-policy', { status: { state: 'ready' } }),
  operator(),
  thing('v1', 'Namespace', 'nim'),
  storageClass('fast'),
  secret('registry', 'kubernetes.io/dockerconfigjson', '.dockerconfigjson'),
  secret('store', 'Opaque', 'AWS_SECRET_ACCESS_KEY'),
]

const without = (kind: string, ...instead: AnyObject[]) => [...whole.filter(object => object.kind !== kind), ...instead]

async function judge(
  objects: readonly object[],
  answers: Answers = {},
  operatorVersion?: '3.0.2' | '3.1.2',
): Promise<Check[]> {
  const checks = openCheckLog()
  const source = {
    objects: objects.flatMap(object => readYaml('a.json', JSON.stringify(object)).objects),
    checks: [],
    files: 1,
    bytes: 1,
  }
  const report = await validateObjects({
    target: 'a.json',
    source,
    registries: [],
    online: false,
    ...(operatorVersion !== undefined && { operatorVersion }),
    cluster: standInCluster({ objects: whole, ...answers }),
    checks,
    signal: new AbortController().signal,
    report: silent,
  })
  return await Array.fromAsync(report.checks)
}

const bad = (checks: readonly Check[]) =>
  checks.filter(({ status }) => status !== 'ok').map(({ name, status }) => `${name} ${status}`)

it('finds everything that a cache and a service want', async () => {
  const checks = await judge([cache, service])
  expect(bad(checks)).toEqual(['objects.volume not-provable'])
  expect(new Set(checks.map(({ name }) => name))).toEqual(
    new Set([
      'objects.api-server',
      'objects.gpu-nodes',
      'objects.node-labels',
      'objects.taints',
      'objects.gpus-allocatable',
      'objects.gpus-free',
      'objects.gpu-operator',
      'objects.nim-operator',
      'objects.operator-version',
      'objects.crd',
      'objects.namespace',
      'objects.storage-class',
      'objects.volume',
      'objects.secret',
      'objects.object',
      'objects.advice',
      'objects.server',
    ]),
  )
  expect(JSON.stringify(checks)).not.toMatch(/c2VjcmV0/)
})

describe('nodes, the lowest first', () => {
  const above = ['objects.taints', 'objects.gpus-allocatable', 'objects.gpus-free'].map(name => `${name} not-provable`)

  it.each([
    {
      what: 'no GPU anywhere',
      nodes: [node('a', { gpus: 0 })],
      object: service,
      expected: ['objects.gpu-nodes failed', ...above],
    },
    {
      what: 'no label',
      nodes: [node('a')],
      object: merged(service, { nodeSelector: { 'nvidia.com/gpu.product': 'H100' } }),
      expected: ['objects.node-labels failed', ...above],
    },
    {
      what: 'a taint',
      nodes: [node('a', { taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }] })],
      object: service,
      expected: ['objects.taints failed', ...above.slice(1)],
    },
    {
      what: 'too few',
      nodes: [node('a', { gpus: 1 }), node('b', { gpus: 1 })],
      object: service,
      expected: ['objects.gpus-allocatable failed', ...above.slice(2)],
    },
  ])('$what', async ({ nodes, object, expected }) => {
    expect(bad(await judge([object], { objects: without('Node', ...nodes) }))).toEqual(expected)
  })

  it.each([
    { key: 'nvidia.com/gpu', operator: 'Exists' },
    { key: 'nvidia.com/gpu', operator: 'Equal', value: 'true', effect: 'NoSchedule' },
    { operator: 'Exists' },
  ])('tolerates a taint by %j', async toleration => {
    const nodes = without(
      'Node',
      node('a', { taints: [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }] }),
    )
    expect(bad(await judge([merged(service, { tolerations: [toleration] })], { objects: nodes }))).toEqual([])
  })

  it('counts what pods that run have taken, and no others', async () => {
    const using = (name: string, phase: string) =>
      thing('v1', 'Pod', name, {
        spec: { nodeName: 'gpu-1', containers: [{ resources: { requests: { 'nvidia.com/gpu': '7' } } }] },
        status: { phase },
      })
    expect(bad(await judge([service], { objects: [...whole, using('a', 'Succeeded')] }))).toEqual([])
    expect(bad(await judge([service], { objects: [...whole, using('a', 'Running')] }))).toEqual([
      'objects.gpus-free warning',
    ])
  })

  it('wants the label that the operator selects by', async () => {
    const { nodeSelector: _, ...spec } = cache.spec
    const checks = await judge([{ ...cache, spec }])
    expect(checks.find(({ name }) => name === 'objects.node-labels')).toMatchObject({
      status: 'failed',
      found: 'no node with feature.node.kubernetes.io/pci-10de.present=true',
    })
  })

  it('compares the GPU that is asked for with those that there are', async () => {
    const model = { gpus: [{ product: 'l40s' }] }
    const object = merged(cache, { source: { ngc: { ...cache.spec.source.ngc, model } } })
    const on = (product: string) =>
      judge([object], { objects: without('Node', node('a', { labels: { 'nvidia.com/gpu.product': product } })) })
    expect(bad(await on('NVIDIA-L40S'))).not.toContain('objects.gpu-product failed')
    expect(bad(await on('NVIDIA-A100-SXM4-80GB'))).toContain('objects.gpu-product failed')
    expect(bad(await judge([object]))).toContain('objects.gpu-product not-provable')
  })
})

describe('operators', () => {
  const none = [node('a', { gpus: 0 })]

  it.each([
    {
      what: 'no GPU Operator',
      objects: [...without('ClusterPolicy').filter(({ kind }) => kind !== 'Node'), ...none],
      expected: 'objects.gpu-operator failed',
    },
    {
      what: 'one that is not ready, with GPUs',
      objects: without(
        'ClusterPolicy',
        thing('nvidia.com/v1', 'ClusterPolicy', 'p', { status: { state: 'notReady' } }),
      ),
      expected: 'objects.gpu-operator warning',
    },
    { what: 'no NIM Operator', objects: without('Deployment'), expected: 'objects.nim-operator failed' },
    {
      what: 'one that does not run',
      objects: without('Deployment', operator(undefined, 0)),
      expected: 'objects.nim-operator failed',
    },
  ])('$what', async ({ objects, expected }) => {
    expect(bad(await judge([service], { objects }))).toContain(expected)
  })

  it('judges by the version that is there', async () => {
    const loaded = merged(service, {
      initContainers: [{ name: 'a', image: { repository: 'registry.internal/a', tag: '1' } }],
    })
    const objects = without('Deployment', operator('k8s-nim-operator:v3.0.2'))
    expect(bad(await judge([loaded], { objects }))).toContain('objects.dropped failed')
    expect(bad(await judge([loaded]))).toEqual([])
  })

  it('says where another version is asked about', async () => {
    expect(bad(await judge([service], {}, '3.0.2'))).toContain('objects.operator-version warning')
  })

  it('can not try objects of which there is no CRD', async () => {
    const checks = await judge([service], { notServed: ['NIMService'] })
    expect(bad(checks)).toEqual(['objects.crd failed', 'objects.server not-provable'])
    expect(checks.find(({ name }) => name === 'objects.server')?.found).toContain('objects.crd')
  })

  it('misses a RuntimeClass', async () => {
    expect(bad(await judge([merged(service, { runtimeClassName: 'nvidia' })]))).toEqual([
      'objects.runtime-class failed',
    ])
    const objects = [...whole, thing('node.k8s.io/v1', 'RuntimeClass', 'nvidia')]
    expect(bad(await judge([merged(service, { runtimeClassName: 'nvidia' })], { objects }))).toEqual([])
  })
})

describe('storage', () => {
  it.each([
    {
      what: 'no default class',
      objects: without('StorageClass', storageClass('slow', 'csi', false)),
      expected: ['objects.storage-class failed', 'objects.volume not-provable'],
    },
    {
      what: 'a class without a free volume',
      objects: without('StorageClass', storageClass('local', 'kubernetes.io/no-provisioner')),
      expected: ['objects.volume failed'],
    },
  ])('$what', async ({ objects, expected }) => {
    expect(bad(await judge([cache], { objects }))).toEqual(expected)
  })

  it.each([
    { storage: '60Gi', mode: 'ReadWriteMany', phase: 'Available', fits: true },
    { storage: '40Gi', mode: 'ReadWriteMany', phase: 'Available', fits: false },
    { storage: '60Gi', mode: 'ReadWriteOnce', phase: 'Available', fits: false },
    { storage: '60Gi', mode: 'ReadWriteMany', phase: 'Bound', fits: false },
  ])('a volume of $storage, $mode, $phase fits: $fits', async ({ storage, mode, phase, fits }) => {
    const volume = thing('v1', 'PersistentVolume', 'v', {
      spec: { storageClassName: 'local', capacity: { storage }, accessModes: [mode] },
      status: { phase },
    })
    const objects = [...without('StorageClass', storageClass('local', 'kubernetes.io/no-provisioner')), volume]
    expect(bad(await judge([cache], { objects }))).toEqual(fits ? [] : ['objects.volume failed'])
  })

  const onClaim = (replicas: number) =>
    merged(service, {
      replicas,
      resources: {},
      storage: { pvc: { name: 'models' } },
      env: [...service.spec.env, { name: 'NIM_MODEL_PROFILE', value: '0494aafc' }],
    })
  const claim = (phase: string, mode: string) =>
    thing('v1', 'PersistentVolumeClaim', 'models', {
      spec: { accessModes: [mode] },
      status: { phase, accessModes: [mode], capacity: { storage: '50Gi' } },
    })

  it.each([
    { what: 'is missing', objects: whole, replicas: 1, expected: ['objects.claim failed'] },
    {
      what: 'has lost its volume',
      objects: [...whole, claim('Lost', 'ReadWriteMany')],
      replicas: 1,
      expected: ['objects.claim failed'],
    },
    {
      what: 'has none yet',
      objects: [...whole, claim('Pending', 'ReadWriteMany')],
      replicas: 1,
      expected: ['objects.claim warning'],
    },
    {
      what: 'is for one node',
      objects: [...whole, claim('Bound', 'ReadWriteOnce')],
      replicas: 3,
      expected: ['objects.claim warning'],
    },
    { what: 'is well', objects: [...whole, claim('Bound', 'ReadWriteMany')], replicas: 3, expected: [] },
  ])('a claim that $what', async ({ objects, replicas, expected }) => {
    const names = bad(await judge([onClaim(replicas)], { objects }))
    expect(names.filter(name => name.startsWith('objects.claim'))).toEqual(expected)
  })
})

describe('what objects refer to', () => {
  it.each([
    { what: 'no Secret', objects: without('Secret', secret('store', 'Opaque')), expected: ['objects.secret failed'] },
    {
      what: 'a pull secret of another type',
      objects: without('Secret', secret('store', 'Opaque'), secret('registry', 'Opaque', '.dockerconfigjson')),
      expected: ['objects.secret failed'],
    },
  ])('$what', async ({ objects, expected }) => {
    expect(
      bad(
        await judge(
          [
            merged(cache, {
              storage: { pvc: { create: true, storageClass: 'fast', size: '1Gi', volumeAccessMode: 'ReadWriteMany' } },
            }),
          ],
          { objects },
        ),
      ).filter(name => name.includes('secret')),
    ).toEqual(expected)
  })

  it('a key that the Secret does not have', async () => {
    const env = [{ name: 'A', valueFrom: { secretKeyRef: { name: 'store', key: 'MISSING' } } }]
    const checks = await judge([pod({ containers: [{ name: 'a', image: 'registry.internal/a:1', env }] })])
    expect(checks.find(({ name }) => name === 'objects.secret')).toMatchObject({
      status: 'failed',
      found: 'type Opaque, with AWS_SECRET_ACCESS_KEY',
    })
  })

  it('takes what comes along, and what may be missing', async () => {
    const optional = {
      envFrom: [{ secretRef: { name: 'other', optional: true } }, { configMapRef: { name: 'settings' } }],
    }
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'nim' }, data: {} }
    expect(
      bad(await judge([pod({ containers: [{ name: 'a', image: 'registry.internal/a:1', ...optional }] }), settings])),
    ).toEqual([])
  })

  it.each([
    { spec: { volumes: [{ name: 'a', configMap: { name: 'no' } }] }, expected: ['objects.config-map failed'] },
    { spec: { serviceAccountName: 'no' }, expected: ['objects.service-account failed'] },
  ])('$expected', async ({ spec, expected }) => {
    expect(bad(await judge([pod(spec)]))).toEqual(expected)
  })

  it('a namespace that is not there', async () => {
    const checks = await judge([pod({})], { objects: without('Namespace') })
    expect(bad(checks)).toEqual(['objects.namespace failed', 'objects.server not-provable'])
  })
})

describe('capacity', () => {
  const scaled = (metrics: object[]) => {
    const { replicas: _, ...spec } = service.spec
    return { ...service, spec: { ...spec, scale: { enabled: true, hpa: { minReplicas: 1, maxReplicas: 2, metrics } } } }
  }
  const byPods = [
    {
      type: 'Pods',
      pods: { metric: { name: 'gpu_cache_usage_perc' }, target: { type: 'AverageValue', averageValue: '750m' } },
    },
  ]
  const api = (available: string) =>
    thing('apiregistration.k8s.io/v1', 'APIService', 'v1beta1.custom.metrics.k8s.io', {
      spec: { group: 'custom.metrics.k8s.io' },
      status: { conditions: [{ type: 'Available', status: available }] },
    })

  it('metrics that nobody serves', async () => {
    expect(bad(await judge([scaled(byPods)]))).toContain('objects.metrics failed')
    expect(bad(await judge([scaled(byPods)], { objects: [...whole, api('False')] }))).toContain(
      'objects.metrics failed',
    )
    expect(bad(await judge([scaled(byPods)], { objects: [...whole, api('True')] }))).not.toContain(
      'objects.metrics failed',
    )
  })

  it.each([
    { hard: '4', used: '3', expected: ['objects.quota failed'] },
    { hard: '4', used: '2', expected: [] },
  ])('a quota of $hard with $used taken', async ({ hard, used, expected }) => {
    const resource = 'requests.nvidia.com/gpu'
    const quota = thing('v1', 'ResourceQuota', 'q', {
      status: { hard: { [resource]: hard }, used: { [resource]: used } },
    })
    expect(bad(await judge([service], { objects: [...whole, quota] }))).toEqual(expected)
  })
})

describe('what the API server says', () => {
  const refused = (message: string, tried: 'create' | 'apply' = 'create'): DryRun => ({
    outcome: 'refused',
    tried,
    status: 422,
    reason: 'Invalid',
    message,
    causes: [],
  })
  const twofold = merged(service, { storage: { ...service.spec.storage, pvc: { name: 'models' } } })

  it('refuses what nimctl takes: its CRDs are older', async () => {
    const checks = await judge([service], {
      dryRun: () => refused('strict decoding error: unknown field "spec.initContainers"'),
    })
    expect(bad(checks)).toEqual(['objects.server failed', 'objects.server-differs warning'])
    expect(checks.find(({ name }) => name === 'objects.server-differs')?.next).toContain('older')
  })

  it('may not change', async () => {
    const checks = await judge([service], { dryRun: () => refused('spec.multiNode: Forbidden: is immutable', 'apply') })
    expect(checks.find(({ name }) => name === 'objects.server')?.next).toContain('delete it first')
  })

  it('takes what the webhook would refuse, where that is off', async () => {
    const checks = await judge([twofold])
    expect(bad(checks)).toContain('objects.refused failed')
    expect(checks.find(({ name }) => name === 'objects.server-differs')?.next).toContain('webhook')
  })

  it('agrees with nimctl', async () => {
    const checks = await judge([twofold], { dryRun: () => refused('admission webhook "x" denied the request') })
    expect(bad(checks)).not.toContain('objects.server-differs warning')
  })

  it('may not be asked', async () => {
    const { NimctlError } = await import('../../src/system/errors.ts')
    const error = new NimctlError('auth', 'CLUSTER_FORBIDDEN', { what: 'This user may not create a NIMService.' })
    expect(bad(await judge([service], { dryRun: () => ({ outcome: 'forbidden', error }) }))).toEqual([
      'objects.server not-provable',
    ])
  })
})

it('proves nothing where it may not look, and fails nothing', async () => {
  const forbidden = ['Node', 'Deployment', 'StorageClass', 'Secret', 'Namespace', 'ResourceQuota', 'ClusterPolicy']
  const statuses = new Set(bad(await judge([cache, service], { forbidden })).map(line => line.split(' ')[1]))
  expect(statuses).toEqual(new Set(['not-provable']))
})
