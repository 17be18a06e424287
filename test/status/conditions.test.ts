import { describe, expect, it } from 'vitest'

import { readStatus } from '../../src/status/status.ts'
import { kindOf, type Kind } from '../../src/status/target.ts'
import { type Answers, standInCluster } from '../kubernetes/stand-in-cluster.ts'
import { claim, job, nimObject, ready, status } from './objects.ts'

const { signal } = new AbortController()

function ask(kind: Kind, answers: Answers) {
  return readStatus(standInCluster(answers), { ...kindOf(kind), kind, name: 'llama' }, signal)
}

describe('a NIMCache', () => {
  const failing = (message: string) => ({
    type: 'NIM_CACHE_RECONCILE_FAILED',
    status: 'True',
    reason: 'ReconcileFailed',
    message,
  })

  it.each([
    ['NotReady', failing('no profiles are selected for caching'), 'failed', 'NO_PROFILES_SELECTED'],
    ['NotReady', failing('failed to parse size for pvc creation'), 'failed', 'CLAIM_SIZE_INVALID'],
    ['NotReady', failing("Deprecated field 'CertConfig' is used. Please migrate"), 'failed', 'CERT_CONFIG_REFUSED'],
    [
      'NotReady',
      failing('ConfigMap "x" is invalid: Too long: must have at most 1048576 bytes'),
      'stuck',
      'OPERATOR_MANIFEST_TOO_LARGE',
    ],
    ['NotReady', failing('pods "llama-pod" not found'), 'stuck', 'OPERATOR_POD_NOT_FOUND'],
    ['NotReady', failing('serviceaccounts "nim-cache-sa" already exists'), 'stuck', 'RECONCILE_FAILED'],
    ['Failed', { type: 'NIM_CACHE_JOB_COMPLETED', status: 'False', reason: 'JobFailed' }, 'failed', 'CACHE_JOB_FAILED'],
    ['Failed', undefined, 'failed', 'RECONCILE_FAILED'],
    [
      'Pending',
      { type: 'NIM_CACHE_JOB_PENDING', status: 'True', reason: 'JobPending' },
      'in-progress',
      'CACHE_JOB_PENDING',
    ],
    ['NotReady', { type: 'NIM_CACHE_PVC_CREATED', status: 'False', reason: 'PVCFailed' }, 'stuck', 'CLAIM_NOT_MADE'],
  ])('%s: %o', async (state, condition, overall, code) => {
    const conditions = condition === undefined ? [] : [condition]
    const report = await ask('NIMCache', {
      objects: [nimObject('NIMCache', 'llama', { spec: made, ...status(state, ...conditions) })],
    })
    expect(report).toMatchObject({ state: overall, cause: { object: 'NIMCache/llama', code } })
    expect(report.cause?.next).toEqual(expect.any(String))
  })

  it.each(['NotReady', 'PVC-Created', 'Started', 'InProgress', 'Pending'])('on its way: %s', async state => {
    const conditions = [
      { type: 'NIM_CACHE_PVC_CREATED', status: 'True', reason: 'PVCCreated' },
      { type: 'NIM_CACHE_JOB_CREATED', status: 'True', reason: 'JobCreated' },
      { type: 'NIM_CACHE_JOB_PENDING', status: 'False', reason: 'JobRunning' },
    ]
    const cache = nimObject('NIMCache', 'llama', { spec: made, ...status(state, ...conditions) })
    expect(await ask('NIMCache', { objects: [cache] })).toMatchObject({
      ok: true,
      state: 'in-progress',
      objects: [{ says: state }],
    })
  })

  it('has not failed for good while its Job tries again', async () => {
    const failed = { type: 'NIM_CACHE_JOB_COMPLETED', status: 'False', reason: 'JobFailed' }
    const objects = [
      nimObject('NIMCache', 'llama', { spec: made, ...status('Failed', failed) }),
      job('llama-job', { active: 1, failed: 1 }),
    ]
    expect(await ask('NIMCache', { objects })).toMatchObject({ ok: false, state: 'stuck' })
  })

  it('is ready by its own word, whatever became of its Job', async () => {
    const condition = { type: 'Failed', status: 'True', message: 'BackoffLimitExceeded' }
    const objects = [
      ready('NIMCache', 'llama', made),
      job('llama-job', { conditions: [condition] }),
      claim('llama-pvc'),
    ]
    expect(await ask('NIMCache', { objects })).toMatchObject({ ok: true, state: 'ready' })
  })

  it('misses a claim that it was told to use', async () => {
    const spec = { storage: { pvc: { create: false, name: 'shared' } } }
    const report = await ask('NIMCache', { objects: [nimObject('NIMCache', 'llama', { spec, ...status('NotReady') })] })
    expect(report).toMatchObject({
      state: 'failed',
      cause: { object: 'PersistentVolumeClaim/shared', code: 'CLAIM_NOT_FOUND' },
    })
  })

  it('warns that the old Job counts while it is being deleted', async () => {
    const cache = ready('NIMCache', 'llama', made)
    cache.metadata.deletionTimestamp = '2026-11-21T21:00:00Z'
    const { objects } = await ask('NIMCache', { objects: [cache] })
    expect(objects[0]?.findings).toMatchObject([{ code: 'BEING_DELETED', severity: 'note' }])
  })
})

const made = { storage: { pvc: { create: true } } }

describe('a NIMService', () => {
  const failed = (reason: string, message = 'why') => ({ type: 'Failed', status: 'True', reason, message })

  it.each([
    ['Failed', failed('NIMCacheNotFound'), 'failed', 'NIMCACHE_NOT_FOUND'],
    ['Failed', failed('NIMCacheFailed'), 'failed', 'NIMCACHE_FAILED'],
    ['Failed', failed('DRAResourcesUnsupported'), 'failed', 'DRA_UNSUPPORTED'],
    ['Failed', failed('ValidationFailed'), 'failed', 'OBJECT_NOT_VALID'],
    ['Failed', failed('HTTPRouteFailed'), 'stuck', 'PART_NOT_MADE'],
    ['Failed', failed('ServiceMonitorFailed'), 'stuck', 'PART_NOT_MADE'],
    ['Failed', failed('Else'), 'stuck', 'RECONCILE_FAILED'],
    ['NotReady', { type: 'Ready', status: 'False', reason: 'NIMCacheNotReady' }, 'in-progress', 'NIMCACHE_NOT_READY'],
    ['NotReady', { type: 'Ready', status: 'False', reason: 'NotReady' }, 'in-progress', 'SERVICE_NOT_READY'],
    ['Failed', { type: 'NIM_SERVICE_FAILED', status: 'True', reason: 'Failed' }, 'stuck', 'RECONCILE_FAILED'],
    [
      'NotReady',
      { type: 'NIM_SERVICE_READY', status: 'False', reason: 'NotReady' },
      'in-progress',
      'SERVICE_NOT_READY',
    ],
  ])('%s: %o', async (state, condition, overall, code) => {
    const service = nimObject('NIMService', 'llama', status(state, condition))
    expect(await ask('NIMService', { objects: [service] })).toMatchObject({
      state: overall,
      cause: { object: 'NIMService/llama', code },
    })
  })

  it('says which part the operator could not make', async () => {
    const service = nimObject('NIMService', 'llama', status('Failed', failed('GRPCRouteFailed', 'no matches for kind')))
    const { cause } = await ask('NIMService', { objects: [service] })
    expect(cause).toMatchObject({ what: expect.stringContaining('GRPCRoute'), why: 'no matches for kind' })
  })

  it('wants a profile that its cache does not hold', async () => {
    const cache = ready('NIMCache', 'cache', made)
    cache['status'] = { state: 'Ready', profiles: [{ name: 'aaa' }] }
    const spec = { storage: { nimCache: { name: 'cache', profile: 'bbb' } } }
    const service = nimObject('NIMService', 'llama', { spec, ...status('NotReady') })
    expect(await ask('NIMService', { objects: [service, cache] })).toMatchObject({
      state: 'stuck',
      cause: { code: 'PROFILE_NOT_IN_CACHE', why: 'The NIMCache holds aaa.' },
    })
  })

  it.each([
    ['KServe', { inferencePlatform: 'kserve' }, 'serving.kserve.io/v1beta1', 'InferenceService', 'llama', 'Ready'],
    ['several nodes', { multiNode: {} }, 'leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', 'llama-lws', 'Available'],
  ])('on %s asks what serves it there', async (_title, spec, apiVersion, kind, name, type) => {
    const conditions = [{ type, status: 'False', reason: 'Unknown', message: 'the revision is not ready' }]
    const below = { apiVersion, kind, metadata: { name }, status: { conditions } }
    const service = nimObject('NIMService', 'llama', { spec, ...status('NotReady') })
    expect(await ask('NIMService', { objects: [service, below] })).toMatchObject({
      state: 'in-progress',
      cause: { object: `${kind}/${name}`, code: 'WORKLOAD_NOT_READY', why: 'the revision is not ready' },
    })
  })
})

describe('a NIMPipeline', () => {
  const pipeline = (services: object[], state = 'NotReady') =>
    nimObject('NIMPipeline', 'llama', { spec: { services }, ...status(state) })
  const owned = { ownerReferences: [{ apiVersion: '', kind: 'NIMPipeline', name: 'llama', uid: 'NIMPipeline-llama' }] }

  it('names the service that fails', async () => {
    const service = nimObject(
      'NIMService',
      'llm',
      status('Failed', { type: 'Failed', status: 'True', reason: 'NIMCacheNotFound' }),
    )
    service.metadata = { ...service.metadata, ...owned }
    const objects = [pipeline([{ name: 'llm', enabled: true }], 'Failed'), service]
    expect(await ask('NIMPipeline', { objects })).toMatchObject({
      state: 'failed',
      cause: { object: 'NIMService/llm', code: 'NIMCACHE_NOT_FOUND' },
    })
  })

  it('has nothing enabled, as enabled has no default', async () => {
    expect(await ask('NIMPipeline', { objects: [pipeline([{ name: 'llm' }])] })).toMatchObject({
      state: 'failed',
      cause: { code: 'PIPELINE_EMPTY' },
      objects: [{ findings: [{ code: 'SERVICE_DISABLED' }, { code: 'PIPELINE_EMPTY' }] }],
    })
  })

  it('waits for a service that is not made yet', async () => {
    expect(await ask('NIMPipeline', { objects: [pipeline([{ name: 'llm', enabled: true }])] })).toMatchObject({
      ok: true,
      cause: { code: 'SERVICE_NOT_MADE' },
    })
  })

  it('finds the name taken by a service that is not its own', async () => {
    const objects = [pipeline([{ name: 'llm', enabled: true }], 'Failed'), ready('NIMService', 'llm')]
    expect(await ask('NIMPipeline', { objects })).toMatchObject({ cause: { code: 'SERVICE_OF_ANOTHER' } })
  })

  it('is ready with its services', async () => {
    expect(await ask('NIMPipeline', { objects: [pipeline([], 'Ready')] })).toMatchObject({ state: 'failed' })
    const service = ready('NIMService', 'llm')
    service.metadata = { ...service.metadata, ...owned }
    const objects = [pipeline([{ name: 'llm', enabled: true }], 'Ready'), service]
    expect(await ask('NIMPipeline', { objects })).toMatchObject({ ok: true, state: 'ready' })
  })
})

describe('a NIMBuild', () => {
  const build = (more: object = {}) =>
    nimObject('NIMBuild', 'llama', { spec: { nimCache: { name: 'cache' } }, ...more })
  const cache = ready('NIMCache', 'cache', made)
  const holding = (type: string, message = '') => ({ type, status: 'True', reason: 'Reason', message })

  it.each([
    ['NIM_BUILD_WAIT_FOR_NIM_CACHE_READY', 'BUILD_NOT_RETRIED'],
    ['NIM_BUILD_NIM_CACHE_NOT_FOUND', 'NIMCACHE_NOT_FOUND'],
    ['NIM_BUILD_NIM_CACHE_FAILED', 'NIMCACHE_FAILED'],
    ['NIM_BUILD_MULTIPLE_BUILDABLE_PROFILES_FOUND', 'BUILD_PROFILE_AMBIGUOUS'],
    ['NIM_BUILD_NO_BUILDABLE_PROFILE_FOUND', 'BUILD_PROFILE_MISSING'],
    ['NIM_BUILD_RECONCILE_FAILED', 'RECONCILE_FAILED'],
  ])('Failed: %s', async (type, code) => {
    const objects = [build(status('Failed', holding(type))), cache]
    expect(await ask('NIMBuild', { objects })).toMatchObject({
      state: 'failed',
      cause: { object: 'NIMBuild/llama', code },
    })
  })

  it('asks for GPUs that the profile asks for already', async () => {
    const said = 'tensorParallelism is set in the profile tags, but nvidia.com/gpu is already set in resources'
    const objects = [build(status('Failed', holding('NIM_BUILD_RECONCILE_FAILED', said))), cache]
    expect(await ask('NIMBuild', { objects })).toMatchObject({ cause: { code: 'BUILD_GPUS_TWICE' } })
  })

  it('has a pod that failed', async () => {
    const failed = { type: 'NIM_BUILD_ENGINE_BUILD_POD_COMPLETED', status: 'False', reason: 'PodFailed' }
    const objects = [build(status('Failed', failed)), cache]
    expect(await ask('NIMBuild', { objects })).toMatchObject({ cause: { code: 'BUILD_POD_FAILED' } })
  })

  it('builds', async () => {
    const conditions = [
      holding('NIM_BUILD_SINGLE_BUILDABLE_PROFILE_FOUND'),
      holding('NIM_BUILD_ENGINE_BUILD_POD_CREATED'),
      holding('NIM_BUILD_ENGINE_BUILD_POD_PENDING'),
    ]
    const objects = [build(status('InProgress', ...conditions)), cache]
    expect(await ask('NIMBuild', { objects })).toMatchObject({ ok: true, cause: { code: 'BUILD_POD_PENDING' } })
  })

  it('reads the manifest of the engine', async () => {
    const conditions = [
      holding('NIM_BUILD_ENGINE_BUILD_POD_COMPLETED'),
      holding('NIM_BUILD_MODEL_MANIFEST_POD_COMPLETED'),
    ]
    const report = await ask('NIMBuild', { objects: [build(status('InProgress', ...conditions)), cache] })
    expect(report).toMatchObject({ ok: true, state: 'in-progress' })
    expect(report.cause).toBeUndefined()
  })

  it('has no status where it came before its cache: the operator can not write what it wants to', async () => {
    const objects = [build(), nimObject('NIMCache', 'cache', { spec: made, ...status('InProgress') })]
    expect(await ask('NIMBuild', { objects })).toMatchObject({ ok: true, cause: { code: 'BUILD_TOO_EARLY' } })
  })

  it('misses its cache', async () => {
    expect(await ask('NIMBuild', { objects: [build(status('Failed'))] })).toMatchObject({
      state: 'failed',
      cause: { object: 'NIMCache/cache', code: 'NIMCACHE_NOT_FOUND' },
    })
  })
})

describe('an object of which the operator says nothing', () => {
  const cache = nimObject('NIMCache', 'llama', { spec: made })
  const operator = (more: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'k8s-nim-operator', namespace: 'nim-operator' },
    spec: { template: { spec: { containers: [{ image: 'ghcr.io/nvidia/k8s-nim-operator:v3.1.2' }] } } },
    ...more,
  })

  it.each([
    ['no operator', { objects: [cache] }, 'stuck', 'OPERATOR_MISSING'],
    ['one that does not run', { objects: [cache, operator()] }, 'stuck', 'OPERATOR_NOT_RUNNING'],
    [
      'one that runs',
      { objects: [cache, operator({ status: { availableReplicas: 1 } })] },
      'in-progress',
      'OPERATOR_SILENT',
    ],
    [
      'one that this user may not see',
      { objects: [cache], forbidden: ['Deployment'] },
      'in-progress',
      'OPERATOR_SILENT',
    ],
  ])('with %s', async (_title, answers, state, code) => {
    expect(await ask('NIMCache', answers)).toMatchObject({ state, cause: { code } })
  })
})
