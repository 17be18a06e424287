import { describe, expect, it } from 'vitest'

import { readStatus } from '../../src/status/status.ts'
import { parseTarget } from '../../src/status/target.ts'
import { type Answers, standInCluster } from '../kubernetes/stand-in-cluster.ts'
import { claim, deployment, ended, event, job, nimObject, object, pod, ready, status } from './objects.ts'

const { signal } = new AbortController()

function ask(target: string, answers: Answers) {
  return readStatus(standInCluster(answers), parseTarget(target), signal)
}

const ofJob = { 'job-name': 'loader' }
const ofDeployment = { app: 'nim' }

describe('the lowest thing that fails', () => {
  it('is found below a NIMPipeline, a NIMService, a NIMCache, a Job and a pod', async () => {
    const owner = { apiVersion: '', kind: 'NIMPipeline', name: 'rag', uid: 'NIMPipeline-rag' }
    const service = nimObject('NIMService', 'llm', {
      spec: { storage: { nimCache: { name: 'llama' } } },
      ...status('Failed', { type: 'Failed', status: 'True', reason: 'NIMCacheFailed' }),
    })
    service.metadata.ownerReferences = [owner]
    const failed = { type: 'NIM_CACHE_JOB_COMPLETED', status: 'False', reason: 'JobFailed' }
    const volumes = [{ name: 'cache', persistentVolumeClaim: { claimName: 'llama-pvc' } }]
    const spec = { containers: [{ name: 'nim', image: 'r/nimctl:1' }], volumes }
    const report = await ask('nimpipeline/rag', {
      objects: [
        nimObject('NIMPipeline', 'rag', {
          spec: { services: [{ name: 'llm', enabled: true }] },
          ...status('Failed'),
        }),
        service,
        nimObject('NIMCache', 'llama', { spec: { storage: { pvc: { create: true } } }, ...status('Failed', failed) }),
        claim('llama-pvc', { spec: { volumeName: 'pv-1' } }),
        object('v1', 'PersistentVolume', 'pv-1', { status: { phase: 'Bound' } }),
        job('llama-job', {
          failed: 6,
          conditions: [{ type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' }],
        }),
      ],
      pods: [[pod('llama-job-x', { labels: { 'job-name': 'llama-job' }, phase: 'Failed', container: ended(5), spec })]],
      logs: [
        { text: 'fetching\nError: There is no bucket "models".\nIt was looked for at https://s3.\nCorrect it.\n' },
      ],
    })
    expect(report).toMatchObject({
      ok: false,
      state: 'failed',
      cause: {
        object: 'Pod/llama-job-x',
        code: 'LOADER_NOT_FOUND',
        why: 'The container nim ended with 5. Error: There is no bucket "models". It was looked for at https://s3. Correct it.',
      },
    })
    expect(report.objects.map(({ kind, name, parent }) => [kind, name, parent])).toEqual([
      ['NIMPipeline', 'rag', undefined],
      ['NIMService', 'llm', 'NIMPipeline/rag'],
      ['NIMCache', 'llama', 'NIMService/llm'],
      ['PersistentVolumeClaim', 'llama-pvc', 'NIMCache/llama'],
      ['PersistentVolume', 'pv-1', 'PersistentVolumeClaim/llama-pvc'],
      ['Job', 'llama-job', 'NIMCache/llama'],
      ['Pod', 'llama-job-x', 'Job/llama-job'],
    ])
  })

  it('is the claim, where the pod waits for it', async () => {
    const volumes = [{ name: 'cache', persistentVolumeClaim: { claimName: 'model' } }]
    const conditions = [
      { type: 'PodScheduled', status: 'False', message: 'pod has unbound immediate PersistentVolumeClaims.' },
    ]
    const report = await ask('deployment/nim', {
      objects: [deployment('nim'), claim('model', { phase: 'Pending' })],
      pods: [[pod('nim-1', { labels: ofDeployment, phase: 'Pending', spec: { volumes }, conditions })]],
    })
    expect(report.cause).toMatchObject({ object: 'PersistentVolumeClaim/model', code: 'STORAGE_CLASS_NOT_FOUND' })
  })
})

describe('a Job', () => {
  it('is judged by its newest pod, not by what failed before', async () => {
    const pods = [pod('loader-2', { labels: ofJob }), pod('loader-1', { labels: ofJob, phase: 'Failed' })]
    const report = await ask('job/loader', { objects: [job('loader', { active: 1, failed: 1 })], pods: [pods] })
    expect(report).toMatchObject({ ok: true, state: 'in-progress', objects: [{ says: '0/1 complete, 1 failed' }, {}] })
    expect(report.objects.map(({ name }) => name)).toEqual(['loader', 'loader-2'])
  })

  it('has not given up while it tries again', async () => {
    const pods = [pod('loader-1', { labels: ofJob, phase: 'Failed', container: ended(6) })]
    const report = await ask('job/loader', { objects: [job('loader', { failed: 1 })], pods: [pods] })
    expect(report).toMatchObject({ state: 'stuck', cause: { object: 'Pod/loader-1', code: 'CONTAINER_FAILED' } })
  })

  it('of several indexes shows the newest pod of each', async () => {
    const indexed = (name: string, index: string) =>
      pod(name, {
        labels: ofJob,
        annotations: { 'batch.kubernetes.io/job-completion-index': index },
        phase: 'Succeeded',
      })
    const pods = [indexed('d', '1'), indexed('c', '0'), indexed('b', '1'), indexed('a', '0')]
    const { objects } = await ask('job/loader', { objects: [job('loader')], pods: [pods] })
    expect(objects.map(({ name }) => name)).toEqual(['loader', 'd', 'c'])
  })

  it('may be suspended', async () => {
    const suspended = object('batch/v1', 'Job', 'loader', { spec: { suspend: true } })
    expect(await ask('job/loader', { objects: [suspended] })).toMatchObject({ cause: { code: 'JOB_SUSPENDED' } })
  })
})

describe('a Deployment', () => {
  it('is ready when the replicas of its newest form are available', async () => {
    const done = { availableReplicas: 1, updatedReplicas: 1, observedGeneration: 1 }
    expect(await ask('deployment/nim', { objects: [deployment('nim', done)] })).toMatchObject({ state: 'ready' })
    const old = { availableReplicas: 1, updatedReplicas: 0, observedGeneration: 1 }
    expect(await ask('deployment/nim', { objects: [deployment('nim', old)] })).toMatchObject({ state: 'in-progress' })
  })

  it('takes too long', async () => {
    const late = { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' }
    expect(await ask('deployment/nim', { objects: [deployment('nim', { conditions: [late] })] })).toMatchObject({
      state: 'stuck',
      cause: { code: 'ROLLOUT_LATE' },
    })
  })

  it('passes over pods that go or were evicted, where others are there', async () => {
    const leaving = pod('old')
    leaving.metadata = { name: 'old', labels: ofDeployment, deletionTimestamp: new Date(0) }
    const evicted = pod('evicted', { labels: ofDeployment, phase: 'Failed', reason: 'Evicted' })
    const pods = [leaving, evicted, pod('new', { labels: ofDeployment })]
    const { objects } = await ask('deployment/nim', { objects: [deployment('nim')], pods: [pods] })
    expect(objects.map(({ name }) => name)).toEqual(['nim', 'new'])
  })

  it('with very many pods shows some that are not ready', async () => {
    const pods = Array.from({ length: 50 }, (_, index) => pod(`nim-${index}`, { labels: ofDeployment }))
    const { objects } = await ask('deployment/nim', { objects: [deployment('nim')], pods: [pods] })
    expect(objects).toHaveLength(11)
  })
})

describe('a pod', () => {
  const asPod = object('v1', 'Pod', 'nim')
  const askPod = (parts: Parameters<typeof pod>[1], answers: Answers = {}) =>
    ask('pod/nim', { objects: [asPod], pods: [[pod('nim', parts)]], ...answers })
  const unscheduled = (message: string) => [{ type: 'PodScheduled', status: 'False', message }]
  const label = 'feature.node.kubernetes.io/pci-10de.present'
  const nodes = [object('v1', 'Node', 'a', { metadata: { name: 'a', labels: { disk: 'ssd' } } })]
  const mismatch = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."

  it.each([
    ['0/1 nodes are available: 1 Insufficient nvidia.com/gpu.', 'GPU_INSUFFICIENT'],
    ['0/1 nodes are available: 1 Insufficient memory.', 'RESOURCES_INSUFFICIENT'],
    ['0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: }.', 'NODE_TAINTED'],
    ['0/1 nodes are available: 1 Too many pods.', 'NODE_FULL'],
    ['0/1 nodes are available: 1 node(s) were unschedulable.', 'POD_UNSCHEDULABLE'],
  ])('that no node takes: %s', async (message, code) => {
    const report = await askPod({ phase: 'Pending', conditions: unscheduled(message) })
    expect(report).toMatchObject({ state: 'stuck', cause: { code, why: message } })
  })

  it.each([
    { zone: 'b', code: 'NODE_SELECTOR_UNMATCHED' },
    { zone: undefined, code: 'NODE_TAINTED' },
  ])('beside a tainted control plane, with the zone $zone, finds $code', async ({ zone, code }) => {
    const said =
      "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s)."
    const nodeSelector = { disk: 'ssd', ...(zone !== undefined && { zone }) }
    const parts = { phase: 'Pending', conditions: unscheduled(said), spec: { nodeSelector } }
    expect((await askPod(parts, { objects: [asPod, ...nodes] })).cause).toMatchObject({ code, why: said })
  })

  it('says which of its labels no node has', async () => {
    const nodeSelector = { disk: 'ssd', zone: 'b' }
    const parts = { phase: 'Pending', conditions: unscheduled(mismatch), spec: { nodeSelector } }
    expect((await askPod(parts, { objects: [asPod, ...nodes] })).cause).toMatchObject({
      code: 'NODE_SELECTOR_UNMATCHED',
      what: 'No node has the labels zone=b.',
    })
    const all = await askPod(parts, { forbidden: ['Node'] })
    expect(all.cause?.what).toBe('No node has the labels disk=ssd, zone=b.')
  })

  it('wants the label by which the operator finds GPUs, which no node has', async () => {
    const parts = { phase: 'Pending', conditions: unscheduled(mismatch), spec: { nodeSelector: { [label]: 'true' } } }
    expect((await askPod(parts, { objects: [asPod, ...nodes] })).cause?.code).toBe('GPU_LABEL_MISSING')
    expect((await askPod(parts, { forbidden: ['Node'] })).cause?.code).toBe('GPU_LABEL_MISSING')
  })

  it.each([
    [126, 'PROGRAM_NOT_RUNNABLE'],
    [127, 'PROGRAM_MISSING'],
    [134, 'CONTAINER_ABORTED'],
    [137, 'CONTAINER_KILLED'],
    [139, 'CONTAINER_CRASHED'],
    [143, 'CONTAINER_ENDED'],
    [8, 'CONTAINER_FAILED'],
  ])('that ended with %i, and is no loader: %s', async (exitCode, code) => {
    const report = await askPod({ phase: 'Failed', container: ended(exitCode) })
    expect(report).toMatchObject({ state: 'failed', cause: { code, why: `The container nim ended with ${exitCode}.` } })
  })

  it.each([
    [130, 'LOADER_INTERRUPTED'],
    [143, 'LOADER_INTERRUPTED'],
    [137, 'CONTAINER_KILLED'],
  ])('that is a loader, and ended with %i: %s', async (exitCode, code) => {
    const spec = { containers: [{ name: 'nim', image: 'registry.internal:5000/nimctl@sha256:01' }] }
    expect((await askPod({ phase: 'Failed', container: ended(exitCode), spec })).cause?.code).toBe(code)
  })

  it('has no such program', async () => {
    const container = {
      state: { terminated: { exitCode: 128, reason: 'StartError', message: 'exec: "nim": not found' } },
    }
    expect((await askPod({ phase: 'Failed', container })).cause).toMatchObject({
      code: 'PROGRAM_MISSING',
      why: 'The container nim ended with 128 (StartError). exec: "nim": not found',
    })
  })

  it('that crashes again and again is explained by the log of the run before', async () => {
    const container = {
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      restartCount: 1,
    }
    const cluster = standInCluster({
      objects: [asPod],
      pods: [[pod('nim', { container })]],
      logs: [{ text: 'starting\nrepo file list has not been validated\n' }],
    })
    const report = await readStatus(cluster, parseTarget('pod/nim'), signal)
    expect(report).toMatchObject({
      state: 'stuck',
      cause: { code: 'CACHE_READ_ONLY', log: ['starting', 'repo file list has not been validated'] },
      objects: [{ says: 'CrashLoopBackOff' }],
    })
    expect(cluster.calls).toContain('log since the beginning of the run before')
    const hopeless = await askPod({ container: { ...container, restartCount: 5 } })
    expect(hopeless.state).toBe('failed')
  })

  it('ends in good order, and should stay', async () => {
    const container = {
      state: { waiting: { reason: 'CrashLoopBackOff' } },
      lastState: { terminated: { exitCode: 0, reason: 'Completed' } },
      restartCount: 2,
    }
    expect(await askPod({ container })).toMatchObject({ state: 'stuck', cause: { code: 'CONTAINER_EXITS' } })
  })

  it('was evicted because its disk was full', async () => {
    const message = 'Usage of EmptyDir volume "cache" exceeds the limit "1Mi".'
    expect(await askPod({ phase: 'Failed', reason: 'Evicted', message })).toMatchObject({
      state: 'failed',
      cause: { code: 'POD_OUT_OF_DISK', why: message },
    })
    const memory = await askPod({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'The node was low on resource: memory.',
    })
    expect(memory.cause?.code).toBe('POD_ENDED_BY_CLUSTER')
  })

  it('starts slowly, which is no fault', async () => {
    const spec = { containers: [{ name: 'nim', image: 'r/nim:1', startupProbe: {} }] }
    const parts = { spec, container: { state: { running: {} }, started: false } }
    const events = [[event('Pod', 'nim', 'Unhealthy', 'Startup probe failed: connection refused')]]
    expect(await askPod(parts, { events })).toMatchObject({
      ok: true,
      state: 'in-progress',
      cause: { code: 'PROBE_FAILING', severity: 'waiting' },
    })
  })

  it('is given too little time to start', async () => {
    const container = {
      state: { running: {} },
      lastState: { terminated: { exitCode: 137, reason: 'Error' } },
      restartCount: 3,
      started: false,
    }
    const events = [
      [
        event('Pod', 'nim', 'Unhealthy', 'Startup probe failed: connection refused'),
        event('Pod', 'nim', 'Killing', 'Container nim failed startup probe, will be restarted'),
      ],
    ]
    expect(await askPod({ container }, { events })).toMatchObject({
      state: 'failed',
      cause: { code: 'PROBE_KILLS', next: expect.stringContaining('failureThreshold') },
    })
  })

  it('may not pull, and the Secret that it names for it is not there', async () => {
    const container = { state: { waiting: { reason: 'ErrImagePull', message: '401 Unauthorized' } } }
    const events = [
      [event('Pod', 'nim', 'FailedToRetrieveImagePullSecret', 'Unable to retrieve some image pull secrets')],
    ]
    const { objects, cause } = await askPod({ phase: 'Pending', container }, { events })
    expect(cause?.code).toBe('IMAGE_PULL_DENIED')
    expect(objects[0]?.findings).toMatchObject([{}, { code: 'PULL_SECRET_MISSING', severity: 'note' }])
  })

  it('is ready, running or done', async () => {
    expect(await askPod({ conditions: [{ type: 'Ready', status: 'True' }] })).toMatchObject({ state: 'ready' })
    expect(await askPod({ phase: 'Succeeded' })).toMatchObject({ state: 'ready', objects: [{ says: 'Completed' }] })
  })
})

describe('a claim', () => {
  const storageClass = object('storage.k8s.io/v1', 'StorageClass', 'fast')
  const askClaim = (spec: object, said?: [string, string]) =>
    ask('pvc/model', {
      objects: [claim('model', { spec, phase: 'Pending' }), storageClass],
      events: [said === undefined ? [] : [event('PersistentVolumeClaim', 'model', ...said)]],
    })
  const fast = { storageClassName: 'fast' }

  it.each([
    ['of a class that is not there', { storageClassName: 'slow' }, undefined, 'failed', 'STORAGE_CLASS_NOT_FOUND'],
    ['without any class', {}, ['FailedBinding', 'no storage class is set'], 'failed', 'STORAGE_CLASS_NEEDED'],
    ['for its first pod', fast, ['WaitForFirstConsumer', 'waiting'], 'in-progress', 'CLAIM_WAITS_FOR_POD'],
    ['for its driver', fast, ['ExternalProvisioning', 'waiting'], 'in-progress', 'CLAIM_ON_ITS_WAY'],
    ['where the storage has no room', fast, ['ProvisioningFailed', 'quota'], 'stuck', 'PROVISIONING_FAILED'],
    ['where no volume fits', fast, ['ProvisioningFailed', 'no volume plugin matched name'], 'stuck', 'CLAIM_UNBOUND'],
    ['where nobody says anything', fast, undefined, 'stuck', 'CLAIM_UNBOUND'],
  ] as const)('waits %s', async (_title, spec, said, state, code) => {
    expect(await askClaim(spec, said && [...said])).toMatchObject({ state, cause: { code } })
  })

  it('has lost its volume', async () => {
    const lost = claim('model', { spec: { volumeName: 'pv-1' }, phase: 'Lost' })
    expect(await ask('pvc/model', { objects: [lost] })).toMatchObject({ cause: { code: 'CLAIM_LOST' } })
  })

  it('names a volume that still belongs to another', async () => {
    const waiting = claim('model', { spec: { storageClassName: 'fast', volumeName: 'pv-1' }, phase: 'Pending' })
    const volume = object('v1', 'PersistentVolume', 'pv-1', { status: { phase: 'Released' } })
    expect(await ask('pvc/model', { objects: [waiting, volume, storageClass] })).toMatchObject({
      cause: { object: 'PersistentVolume/pv-1', code: 'VOLUME_NOT_BOUND', next: expect.stringContaining('claimRef') },
    })
  })
})

describe('who asks', () => {
  it('for something that is not there', async () => {
    await expect(ask('nimcache/none', {})).rejects.toMatchObject({ category: 'not-found', code: 'STATUS_NOT_FOUND' })
  })

  it('a cluster without the operator', async () => {
    await expect(ask('nimcache/llama', { notServed: ['NIMCache'] })).rejects.toMatchObject({
      category: 'not-found',
      code: 'KIND_NOT_SERVED',
    })
  })

  it('without being permitted to', async () => {
    const answers = { objects: [ready('NIMCache', 'llama')], forbidden: ['NIMCache'] }
    await expect(ask('nimcache/llama', answers)).rejects.toMatchObject({ category: 'auth' })
  })

  it('and may not look at what is below', async () => {
    const objects = [
      nimObject('NIMCache', 'llama', { spec: { storage: { pvc: { create: true } } }, ...status('InProgress') }),
    ]
    const report = await ask('nimcache/llama', { objects, forbidden: ['PersistentVolumeClaim', 'Job'] })
    expect(report).toMatchObject({ ok: true, state: 'in-progress' })
    expect(report.objects.slice(1)).toMatchObject([
      { kind: 'PersistentVolumeClaim', state: 'unknown', findings: [{ code: 'NOT_PERMITTED', severity: 'note' }] },
      { kind: 'Job', state: 'unknown' },
    ])
  })

  it.each([
    ['NIMService/llama', 'NIMService'],
    ['nimservices.apps.nvidia.com/llama', 'NIMService'],
    ['po/llama-0', 'Pod'],
    ['pvc/model', 'PersistentVolumeClaim'],
    ['deploy/nim', 'Deployment'],
  ])('by the name %s', (text, kind) => {
    expect(parseTarget(text)).toMatchObject({ kind })
  })

  it.each(['llama', 'secret/key', 'nimcache/', 'pod/a/b'])('by the name %s, which is none', text => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ category: 'usage', code: 'STATUS_TARGET' }))
  })
})
