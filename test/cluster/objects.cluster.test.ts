import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeAll, describe, expect, it } from 'vitest'

import { codeBlocks, readPage } from '../docs/markdown.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { reference } from './crds.ts'
import { readRole } from './documented-role.ts'
import { installCrds } from './status-objects.ts'
import { apply, claim, kubeconfigOf, openWorkplace, secret, type Workplace } from './workplace.ts'

let place: Workplace

beforeAll(async () => {
  place = await openWorkplace()
  await installCrds(place)
  const capacity = { 'nvidia.com/gpu': '8' }
  const patch = JSON.stringify({ status: { capacity, allocatable: capacity } })
  const [node = ''] = (await place.kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].metadata.name}'])).split(' ')
  await place.kubectl(['patch', 'node', node, '--subresource=status', '--type=merge', '-p', patch])
  await place.kubectl([
    'create',
    'secret',
    'docker-registry',
    'registry',
    '--docker-server=registry.internal',
    '--docker-username=a',
    '--docker-password=b',
  ])
  await place.makeClaim('models')
})

interface CheckLine {
  name: string
  status: string
  path?: string
  found?: string
  next?: string
}

async function judge(
  objects: readonly object[],
  ...flags: string[]
): Promise<{ exitCode: number; checks: CheckLine[] }> {
  const file = join(await temporaryDirectory(), 'objects.json')
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }))
  return await judgeFile(file, ...flags)
}

async function judgeFile(file: string, ...flags: string[]) {
  const outcome = await place.validate(['objects', '-f', file, '--cluster', '--json', ...flags])
  const document = outcome.json()
  if (document.kind !== 'CheckReport') throw new Error(outcome.stdout)
  return { exitCode: outcome.exitCode, checks: document.checks as CheckLine[] }
}

const bad = ({ checks }: { checks: CheckLine[] }) =>
  checks.filter(({ status }) => status !== 'ok').map(({ name, status }) => `${name} ${status}`)

const meta = (name: string) => ({ apiVersion: 'apps.nvidia.com/v1alpha1', metadata: { name } })

const service = (name: string, changes: object = {}) => ({
  ...meta(name),
  kind: 'NIMService',
  spec: {
    image: { repository: 'registry.internal/nim/meta/llama', tag: '1.8.4', pullSecrets: ['registry'] },
    env: [{ name: 'NIM_MODEL_PROFILE', value: '0494aafc' }],
    storage: { pvc: { name: 'models' } },
    replicas: 1,
    resources: { limits: { 'nvidia.com/gpu': 1 }, requests: { 'nvidia.com/gpu': 1 } },
    expose: { service: { type: 'ClusterIP', port: 8000 } },
    ...changes,
  },
})

const cache = (name: string, pvc: object) => ({
  ...meta(name),
  kind: 'NIMCache',
  spec: {
    source: {
      ngc: {
        modelPuller: 'registry.internal/nimctl:1',
        pullSecret: 'registry',
        authSecret: secret,
        model: { profiles: ['0494aafc'] },
      },
    },
    env: [{ name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' }],
    storage: { pvc: { create: true, size: '1Gi', volumeAccessMode: 'ReadWriteOnce', ...pvc } },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
  },
})

/** The operator itself can't be had. */
const noOperator = 'objects.nim-operator failed'

it('finds all that a service wants but the operator, and the server takes it', async () => {
  const judged = await judge([service('llama')])
  // The claim waits for its first pod, or is bound already.
  expect(bad(judged).filter(line => line !== 'objects.claim warning')).toEqual([noOperator])
  const ok = judged.checks.filter(({ status }) => status === 'ok').map(({ name }) => name)
  expect(ok).toEqual(
    expect.arrayContaining([
      'objects.gpu-nodes',
      'objects.gpus-free',
      'objects.crd',
      'objects.secret',
      'objects.server',
    ]),
  )
  expect(judged.checks.find(({ name }) => name === 'objects.operator-version')?.found).toMatch(/^main, by the CRD/)
  expect(judged.exitCode).toBe(3)
})

it.each([
  {
    what: 'more GPUs than a node has',
    object: service('a', { resources: { limits: { 'nvidia.com/gpu': 16 }, requests: { 'nvidia.com/gpu': 16 } } }),
    name: 'objects.gpus-allocatable',
  },
  {
    what: 'a label that no node has',
    object: service('a', { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L40S' } }),
    name: 'objects.node-labels',
  },
  {
    what: 'a claim that is missing',
    object: service('a', { storage: { pvc: { name: 'none' } } }),
    name: 'objects.claim',
  },
  {
    what: 'a Secret of another type',
    object: service('a', {
      image: { repository: 'registry.internal/nim/meta/llama', tag: '1', pullSecrets: [secret] },
    }),
    name: 'objects.secret',
  },
  {
    what: 'a Secret that is missing',
    object: service('a', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'none', key: 'A' } } }] }),
    name: 'objects.secret',
  },
  {
    what: 'a RuntimeClass that is missing',
    object: service('a', { runtimeClassName: 'nvidia' }),
    name: 'objects.runtime-class',
  },
  {
    what: 'a storage class that is missing',
    object: cache('a', { storageClass: 'none' }),
    name: 'objects.storage-class',
  },
  {
    what: 'metrics that nobody serves',
    object: service('a', {
      replicas: undefined,
      scale: {
        enabled: true,
        hpa: {
          maxReplicas: 2,
          metrics: [
            {
              type: 'Pods',
              pods: {
                metric: { name: 'gpu_cache_usage_perc' },
                target: { type: 'AverageValue', averageValue: '750m' },
              },
            },
          ],
        },
      },
    }),
    name: 'objects.metrics',
  },
])('finds $what', async ({ object, name }) => {
  const judged = await judge([object])
  expect(bad(judged)).toContain(`${name} failed`)
})

it('finds that the quota leaves no room', async () => {
  await apply(place.kubectl, {
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'small' },
    spec: { hard: { 'requests.nvidia.com/gpu': '1' } },
  })
  try {
    const two = { 'nvidia.com/gpu': 2 }
    expect(bad(await judge([service('a', { resources: { limits: two, requests: two } })]))).toContain(
      'objects.quota failed',
    )
  } finally {
    await place.kubectl(['delete', 'resourcequota', 'small'])
  }
})

it('finds that what nobody makes is not there, such as a volume of class local', async () => {
  await apply(place.kubectl, {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'by-hand' },
    provisioner: 'kubernetes.io/no-provisioner',
  })
  try {
    expect(bad(await judge([cache('a', { storageClass: 'by-hand' })]))).toContain('objects.volume failed')
  } finally {
    await place.kubectl(['delete', 'storageclass', 'by-hand'])
  }
})

/** A node that nobody runs: a taint on the real one would keep the pods of other tests away. */
it('finds a taint', async () => {
  const name = `tainted-${place.namespace}`
  const labels = { 'example.com/place': name }
  const taints = [{ key: 'nvidia.com/gpu', value: 'true', effect: 'NoSchedule' }]
  await apply(place.kubectl, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: { taints } })
  try {
    const gpus = { 'nvidia.com/gpu': '8' }
    const status = JSON.stringify({ status: { capacity: gpus, allocatable: gpus } })
    await place.kubectl(['patch', 'node', name, '--subresource=status', '--type=merge', '-p', status])
    expect(bad(await judge([service('a', { nodeSelector: labels })]))).toContain('objects.taints failed')
    // Kubernetes itself taints what does not report.
    const tolerations = [
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists' },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists' },
    ]
    const tolerating = bad(await judge([service('a', { nodeSelector: labels, tolerations })]))
    expect(tolerating).not.toContain('objects.taints failed')
  } finally {
    await place.kubectl(['delete', 'node', name])
  }
})

describe('the API server and nimctl', () => {
  it.each([
    'full/llm.yaml',
    'full/multi-llm.yaml',
    'autoscaling/llm.yaml',
    'autoscaling/multi-llm.yaml',
    'routers/ingress/llm.yaml',
    '../kserve/standard/llm.yaml',
  ])('both refuse %s', async path => {
    const text = join(reference, 'samples/operator/serving/standalone', path)
    const own = join(await temporaryDirectory(), 'sample.yaml')
    await writeFile(
      own,
      (await readFile(text, 'utf8')).replaceAll('namespace: nim-service', `namespace: ${place.namespace}`),
    )
    const judged = await judgeFile(
      own,
      '--only',
      'objects.server*',
      '--only',
      'objects.refused',
      '--only',
      'objects.dropped',
    )
    const failed = judged.checks.filter(({ status }) => status === 'failed').map(({ name }) => name)
    expect(failed).toContain('objects.server')
    expect(failed.some(name => name === 'objects.refused' || name === 'objects.dropped')).toBe(true)
    expect(judged.checks.map(({ name }) => name)).not.toContain('objects.server-differs')
  })

  it('differ where the CRDs are newer, and it says so', async () => {
    const judged = await judge([service('llama')], '--operator-version', '3.1.2')
    expect(bad(judged)).toEqual(
      expect.arrayContaining([
        'objects.refused failed',
        'objects.server-differs warning',
        'objects.operator-version warning',
      ]),
    )
    expect(judged.checks.find(({ name }) => name === 'objects.server-differs')?.next).toContain('not those of 3.1.2')
  })

  it('differ where only the webhook refuses', async () => {
    const both = { nimCache: { name: 'a', profile: 'b' }, pvc: { name: 'models' } }
    const judged = await judge([service('llama', { storage: both })])
    expect(judged.checks.find(({ name }) => name === 'objects.server-differs')?.next).toContain('webhook')
  })

  it('differ about what is there already and may not change', async () => {
    await apply(place.kubectl, cache('fixed', {}))
    const changed = cache('fixed', {})
    changed.spec.source.ngc.modelPuller = 'registry.internal/nimctl:2'
    const judged = await judge([changed])
    expect(judged.checks.find(({ name }) => name === 'objects.server')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('modelPuller is an immutable field'),
      next: expect.stringContaining('delete it first'),
    })
  })
})

it('needs no more rights than to read names, and says what it could not see', async () => {
  await apply(place.kubectl, claim('other'))
  await place.kubectl(['apply', '-f', '-'], await readRole())
  await place.kubectl(['create', 'serviceaccount', 'looker'])
  await place.kubectl([
    'create',
    'rolebinding',
    'looker',
    '--role=nimctl',
    `--serviceaccount=${place.namespace}:looker`,
  ])
  const kubeconfig = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'looker'])).trim())
  // The version can't be found out: the newest release counts, whose CRD wants authSecret.
  const env = [
    { name: 'NGC_API_KEY', value: '' },
    { name: 'NIM_MODEL_PROFILE', value: '0494aafc' },
  ]
  const judged = await judge([service('llama', { authSecret: 'unused', env })], '--kubeconfig', kubeconfig)
  const statuses = new Set(judged.checks.filter(({ name }) => name !== 'objects.crd').map(({ status }) => status))
  expect(statuses.has('failed')).toBe(false)
  expect(statuses.has('not-provable')).toBe(true)
  expect(judged.exitCode).toBe(0)
})

it('sees all with the ClusterRole of the documentation', async () => {
  const block = codeBlocks(readPage('docs/kubernetes.md')).find(({ text }) => text.includes('name: nimctl-look'))
  const role = `nimctl-look-${place.namespace}`
  await place.kubectl(['apply', '-f', '-'], block?.text.replace('name: nimctl-look', `name: ${role}`))
  await place.kubectl(['create', 'serviceaccount', 'all'])
  await place.kubectl([
    'create',
    'clusterrolebinding',
    role,
    `--clusterrole=${role}`,
    `--serviceaccount=${place.namespace}:all`,
  ])
  const kubeconfig = await kubeconfigOf(
    place,
    (await place.kubectl(['create', 'token', 'all', '--duration=20m'])).trim(),
  )
  try {
    const judged = await judge(
      [service('llama', { runtimeClassName: 'nvidia' }), cache('b', {})],
      '--kubeconfig',
      kubeconfig,
    )
    const unproved = judged.checks
      .filter(({ status }) => status === 'not-provable')
      .map(({ name, found }) => `${name} ${found}`)
    // Whether its provisioner makes a volume, nobody knows beforehand.
    expect(unproved.filter(line => !line.startsWith('objects.volume'))).toEqual([])
    expect(judged.checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['objects.server', 'objects.secret', 'objects.claim']),
    )
  } finally {
    await place.kubectl(['delete', 'clusterrolebinding,clusterrole', role])
  }
})
