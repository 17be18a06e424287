import { once } from 'node:events'

import { beforeAll, describe, expect, it, vi } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { readRole } from './documented-role.ts'
import {
  deployment,
  installCrds,
  job,
  nimCache,
  nimService,
  pod,
  profile,
  shell,
  writeStatus,
} from './status-objects.ts'
import { apply, inWorkplace, kubeconfigOf, type Workplace } from './workplace.ts'

beforeAll(() => inWorkplace(installCrds))

interface Cause {
  code: string
  object: RegExp
  /** In the cluster's words, or in the log. */
  says?: RegExp
}

interface Fault {
  title: string
  target: string
  plant: (place: Workplace) => Promise<void>
  cause: Cause
}

/** Other tests give the node some. */
const moreGpus = 1000

const mount = { volumeMounts: [{ name: 'cache', mountPath: '/cache' }] }

function claimVolume(claimName: string) {
  return { volumes: [{ name: 'cache', persistentVolumeClaim: { claimName } }] }
}

const jobFailed = { type: 'NIM_CACHE_JOB_COMPLETED', status: 'False', reason: 'JobFailed' } as const

/** What the operator says of a NIMCache whose Job has failed, and of the NIMService on it. */
async function plantFailedCache(place: Workplace, loader: object): Promise<void> {
  const { kubectl } = place
  await place.makeClaim('llama-pvc')
  await apply(kubectl, nimCache('llama'))
  await apply(kubectl, nimService('llama', 'llama'))
  await apply(kubectl, loader)
  await kubectl(['wait', '--for=condition=Failed', '--timeout=90s', 'job/llama-job'])
  await writeStatus(place, 'nimcache/llama', { state: 'Failed', pvc: 'llama-pvc', conditions: [jobFailed] })
  const failed = { type: 'Failed', status: 'True', reason: 'NIMCacheFailed' } as const
  await writeStatus(place, 'nimservice/llama', { state: 'Failed', conditions: [failed] })
}

/** As shape E has it: nimctl's own image under the NIMCache's Job. */
function loaderJob(script: string, more: object = {}): object {
  const env = [{ name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' }]
  return job('llama-job', { ...shell(script), env, ...mount }, { ...claimVolume('llama-pvc'), ...more })
}

const faults: Fault[] = [
  {
    title: 'a missing Secret',
    target: 'nimservice/llama',
    async plant(place) {
      await readyCache(place)
      await apply(place.kubectl, nimService('llama', 'llama'))
      const env = [{ name: 'NGC_API_KEY', valueFrom: { secretKeyRef: { name: 'none', key: 'NGC_API_KEY' } } }]
      await apply(place.kubectl, deployment('llama', { ...shell('sleep 600'), env }))
      await notReady(place)
    },
    cause: { code: 'SECRET_NOT_FOUND', object: /^Pod\/llama-/, says: /secret "none" not found/ },
  },
  {
    title: 'a wrong image',
    target: 'nimservice/llama',
    async plant(place) {
      await readyCache(place)
      await apply(place.kubectl, nimService('llama', 'llama'))
      await apply(place.kubectl, deployment('llama', { image: 'registry.internal/nim/none:1' }))
      await notReady(place)
    },
    cause: { code: 'IMAGE_NOT_IN_REGISTRY', object: /^Pod\/llama-/, says: /not found/ },
  },
  {
    title: 'no space in the volume',
    target: 'job/loader',
    async plant({ kubectl }) {
      const volumes = [{ name: 'cache', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } }]
      await apply(kubectl, job('loader', { ...shell('cat /dev/zero > /cache/blob'), ...mount }, { volumes }))
    },
    cause: { code: 'DISK_FULL', object: /^Pod\/loader-/, says: /No space left on device/ },
  },
  {
    title: 'no GPU',
    target: 'pod/nim',
    plant: ({ kubectl }) => apply(kubectl, pod('nim', { resources: { limits: { 'nvidia.com/gpu': moreGpus } } })),
    cause: { code: 'GPU_INSUFFICIENT', object: /^Pod\/nim$/, says: /Insufficient nvidia.com\/gpu/ },
  },
  {
    title: 'an unbound claim',
    target: 'job/loader',
    async plant({ kubectl, namespace }) {
      await apply(kubectl, {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: namespace },
        provisioner: 'kubernetes.io/no-provisioner',
      })
      await apply(kubectl, claimOf('model', namespace))
      await apply(kubectl, job('loader', { ...shell('true'), ...mount }, claimVolume('model')))
    },
    cause: { code: 'CLAIM_UNBOUND', object: /^PersistentVolumeClaim\/model$/ },
  },
  {
    title: 'a wrong storage class',
    target: 'nimcache/llama',
    async plant(place) {
      const { kubectl } = place
      await apply(kubectl, nimCache('llama', { create: true, size: '1Gi', storageClass: 'fast-ssd' }))
      await apply(kubectl, claimOf('llama-pvc', 'fast-ssd'))
      await apply(kubectl, job('llama-job', { ...shell('true'), ...mount }, claimVolume('llama-pvc')))
      const conditions = [
        { type: 'NIM_CACHE_PVC_CREATED', status: 'True', reason: 'PVCCreated' } as const,
        { type: 'NIM_CACHE_JOB_PENDING', status: 'True', reason: 'JobPending' } as const,
      ]
      await writeStatus(place, 'nimcache/llama', { state: 'Pending', pvc: 'llama-pvc', conditions })
    },
    cause: {
      code: 'STORAGE_CLASS_NOT_FOUND',
      object: /^PersistentVolumeClaim\/llama-pvc$/,
      says: /"fast-ssd" not found/,
    },
  },
  {
    title: 'a missing claim',
    target: 'deployment/nim',
    plant: ({ kubectl }) =>
      apply(kubectl, deployment('nim', { ...shell('sleep 600'), ...mount }, claimVolume('nowhere'))),
    cause: { code: 'CLAIM_NOT_FOUND', object: /^PersistentVolumeClaim\/nowhere$/ },
  },
  {
    title: 'a profile that is not in the cache',
    target: 'nimservice/llama',
    async plant(place) {
      await readyCache(place)
      const wanted = 'b'.repeat(64)
      await apply(place.kubectl, nimService('llama', 'llama', wanted))
      const says = `Environment variable NIM_MODEL_PROFILE is set to ${wanted} but no matching profile_id or profile description is found in manifest.`
      await apply(place.kubectl, deployment('llama', shell(`echo '${says}'; exit 1`)))
      await notReady(place)
    },
    cause: { code: 'PROFILE_UNKNOWN', object: /^Pod\/llama-/, says: /no matching profile_id/ },
  },
  {
    title: 'choosing fields that match no profile',
    target: 'nimcache/llama',
    async plant(place) {
      await place.makeClaim('llama-pvc')
      await apply(place.kubectl, nimCache('llama'))
      const message = 'failed to construct job: no profiles are selected for caching'
      const failed = { type: 'NIM_CACHE_RECONCILE_FAILED', status: 'True', reason: 'Failed', message } as const
      await writeStatus(place, 'nimcache/llama', { state: 'NotReady', conditions: [failed] })
    },
    cause: { code: 'NO_PROFILES_SELECTED', object: /^NIMCache\/llama$/, says: /no profiles are selected/ },
  },
  {
    title: 'a quota under a Deployment',
    target: 'deployment/nim',
    async plant({ kubectl }) {
      await apply(kubectl, noPods)
      await apply(kubectl, deployment('nim', shell('sleep 600')))
    },
    cause: { code: 'QUOTA_EXCEEDED', object: /^Deployment\/nim$/, says: /exceeded quota: none/ },
  },
  {
    title: 'a quota under a Job',
    target: 'job/loader',
    async plant({ kubectl }) {
      await apply(kubectl, noPods)
      await apply(kubectl, job('loader', shell('true')))
    },
    cause: { code: 'QUOTA_EXCEEDED', object: /^Job\/loader$/, says: /exceeded quota: none/ },
  },
  {
    title: 'too little memory',
    target: 'deployment/nim',
    plant: ({ kubectl }) =>
      apply(
        kubectl,
        deployment('nim', {
          ...shell('busybox tail /dev/zero'),
          resources: { limits: { memory: '32Mi' } },
        }),
      ),
    cause: { code: 'OUT_OF_MEMORY', object: /^Pod\/nim-/, says: /OOMKilled/ },
  },
  {
    title: 'a readiness probe that fails',
    target: 'deployment/nim',
    plant: ({ kubectl }) =>
      apply(
        kubectl,
        deployment('nim', {
          ...shell('sleep 600'),
          readinessProbe: { httpGet: { path: '/v1/health/ready', port: 8000 }, periodSeconds: 1 },
        }),
      ),
    cause: { code: 'PROBE_FAILING', object: /^Pod\/nim-/, says: /Readiness probe failed.*connection refused/ },
  },
  {
    title: 'a liveness probe that kills',
    target: 'deployment/nim',
    plant: ({ kubectl }) =>
      apply(
        kubectl,
        deployment('nim', {
          ...shell('trap "exit 0" TERM; while true; do sleep 1; done'),
          livenessProbe: { httpGet: { path: '/v1/health/live', port: 8000 }, periodSeconds: 1, failureThreshold: 1 },
          readinessProbe: { httpGet: { path: '/v1/health/ready', port: 8000 }, periodSeconds: 1 },
        }),
      ),
    cause: { code: 'PROBE_KILLS', object: /^Pod\/nim-/, says: /failed liveness probe/ },
  },
  {
    title: 'a node selector that no node has',
    target: 'deployment/nim',
    plant: ({ kubectl }) =>
      apply(
        kubectl,
        deployment('nim', shell('sleep 600'), {
          nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-L40S', 'kubernetes.io/os': 'linux' },
        }),
      ),
    cause: { code: 'NODE_SELECTOR_UNMATCHED', object: /^Pod\/nim-/, says: /node affinity\/selector/ },
  },
  {
    title: 'no node with the label by which the operator finds GPUs',
    target: 'nimcache/llama',
    async plant(place) {
      const { kubectl } = place
      await apply(kubectl, nimCache('llama'))
      const nodeSelector = { 'feature.node.kubernetes.io/pci-10de.present': 'true' }
      await apply(kubectl, pod('llama-pod', shell('sleep 600'), { nodeSelector }))
      await writeStatus(place, 'nimcache/llama', { state: 'Started' })
    },
    cause: { code: 'GPU_LABEL_MISSING', object: /^Pod\/llama-pod$/ },
  },
  {
    title: 'a NIMCache that nobody has made',
    target: 'nimservice/llama',
    async plant(place) {
      await apply(place.kubectl, nimService('llama', 'nowhere'))
      const failed = { type: 'Failed', status: 'True', reason: 'NIMCacheNotFound' } as const
      await writeStatus(place, 'nimservice/llama', { state: 'Failed', conditions: [failed] })
    },
    cause: { code: 'NIMCACHE_NOT_FOUND', object: /^NIMCache\/nowhere$/ },
  },
  {
    title: 'no operator',
    target: 'nimcache/llama',
    plant: ({ kubectl }) => apply(kubectl, nimCache('llama')),
    cause: { code: 'OPERATOR_MISSING', object: /^NIMCache\/llama$/ },
  },
]

const noPods = {
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'none' },
  spec: { hard: { pods: '0' } },
}

function claimOf(name: string, storageClassName: string): object {
  const spec = { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } }
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name }, spec }
}

async function readyCache(place: Workplace): Promise<void> {
  await place.makeClaim('llama-pvc')
  await apply(place.kubectl, nimCache('llama'))
  const completed = { type: 'NIM_CACHE_JOB_COMPLETED', status: 'True', reason: 'JobCompleted' } as const
  const profiles = [{ name: profile, model: '', release: '', config: {} }]
  await writeStatus(place, 'nimcache/llama', { state: 'Ready', pvc: 'llama-pvc', profiles, conditions: [completed] })
}

async function notReady(place: Workplace): Promise<void> {
  const condition = { type: 'Ready', status: 'False', reason: 'NotReady', message: 'deployment not ready' } as const
  await writeStatus(place, 'nimservice/llama', { state: 'NotReady', conditions: [condition] })
}

interface ReportedCause {
  code: string
  object: string
  what: string
  why?: string
  next: string
  log?: string[]
}

/** Asked until the node has got as far as the fault. */
async function untilCause({ status }: Workplace, target: string, code: string) {
  const ask = async () => {
    const outcome = await status([target, '--json'])
    const { cause } = outcome.json() as { cause?: ReportedCause }
    if (cause?.code !== code) throw new Error(`Not ${code}: ${outcome.stdout}${outcome.stderr}`)
    return { cause, words: [cause.why, ...(cause.log ?? [])].join('\n'), exitCode: outcome.exitCode }
  }
  return await vi.waitFor(ask, { timeout: 120_000, interval: 1000 })
}

describe.concurrent('each fault is explained', () => {
  it.each(faults)('$title', async ({ target, plant, cause: { code, object, says = /(?:)/ } }) => {
    await inWorkplace(async place => {
      await plant(place)
      const { cause, words, exitCode } = await untilCause(place, target, code)
      expect(cause.object).toMatch(object)
      expect(words).toMatch(says)
      expect(cause).toMatchObject({ what: expect.any(String), next: expect.any(String) })
      expect(exitCode).toBe(3)
    })
  })
})

describe.concurrent('a loader that fails, under a NIMCache and a NIMService', () => {
  it.each([
    [1, 'LOADER_BUG'],
    [2, 'LOADER_USAGE'],
    [3, 'LOADER_CHECK_FAILED'],
    [4, 'LOADER_NOT_PERMITTED'],
    [5, 'LOADER_NOT_FOUND'],
    [6, 'LOADER_UNAVAILABLE'],
    [7, 'LOADER_TOOL_MISSING'],
    [8, 'LOADER_VOLUME'],
  ])('with exit code %i is explained as %s', async (number, code) => {
    await inWorkplace(async place => {
      const said = `echo 'Error: what was planted.'; echo 'why it was'; echo 'what to do'; exit ${number}`
      await plantFailedCache(place, loaderJob(said))
      const { cause, exitCode } = await untilCause(place, 'nimservice/llama', code)
      expect(cause.object).toMatch(/^Pod\/llama-job-/)
      expect(cause.why).toBe(`The container nim ended with ${number}. Error: what was planted. why it was what to do`)
      expect(exitCode).toBe(3)
    })
  })
})

describe.concurrent('what is well', () => {
  it('waits until a NIMService serves, and says what it waits for meanwhile', async () => {
    await inWorkplace(async place => {
      await readyCache(place)
      await apply(place.kubectl, nimService('llama', 'llama'))
      await notReady(place)
      const waiting = place.startStatus(['nimservice/llama', '--wait', '--timeout', '2m'])
      const said = { stdout: '', stderr: '' }
      waiting.stdout?.on('data', (data: Buffer) => (said.stdout += data.toString()))
      waiting.stderr?.on('data', (data: Buffer) => (said.stderr += data.toString()))
      const ended = once(waiting, 'close')
      const server = { image: standIns.llm2.reference, ...mount }
      await apply(place.kubectl, deployment('llama', server, claimVolume('llama-pvc')))
      await place.kubectl(['wait', '--for=condition=Available', '--timeout=90s', 'deployment/llama'])
      const ready = { type: 'Ready', status: 'True', reason: 'Ready' } as const
      await expect.poll(() => said.stderr, { timeout: 30_000 }).toContain('NIMService/llama| NotReady')
      await writeStatus(place, 'nimservice/llama', { state: 'Ready', conditions: [ready] })
      expect(await ended).toEqual([0, null])
      expect(said.stdout).toMatch(/✓ NIMCache\/llama +Ready\n.*✓ PersistentVolumeClaim\/llama-pvc +Bound/)
      expect(said.stdout).toMatch(/NIMService\/llama is ready\.\n$/)
    })
  })

  it('needs no operator for a Deployment, a Job, a pod and a claim', async () => {
    await inWorkplace(async place => {
      await place.makeClaim('model')
      await apply(place.kubectl, job('loader', { ...shell('echo x > /cache/x'), ...mount }, claimVolume('model')))
      await apply(place.kubectl, deployment('nim', shell('sleep 600')))
      await apply(place.kubectl, pod('alone', shell('sleep 600')))
      for (const target of ['job/loader', 'deployment/nim', 'pod/alone', 'pvc/model']) {
        const { exitCode, stdout } = await place.status([target, '--wait', '--timeout', '2m', '--json'])
        expect(JSON.parse(stdout)).toMatchObject({ ok: true, state: 'ready' })
        expect(exitCode).toBe(0)
      }
    })
  })

  it('takes it for no failure that something is on its way', async () => {
    await inWorkplace(async place => {
      await apply(place.kubectl, job('loader', shell('sleep 600')))
      const outcome = await place.status(['job/loader', '--json'])
      expect(outcome.json()).toMatchObject({ ok: true, state: 'in-progress' })
      expect(outcome.exitCode).toBe(0)
    })
  })

  it('stops waiting at Ctrl-C', async () => {
    await inWorkplace(async place => {
      await apply(place.kubectl, job('loader', shell('sleep 600')))
      const waiting = place.startStatus(['job/loader', '--wait'])
      let said = ''
      waiting.stderr?.on('data', (data: Buffer) => (said += data.toString()))
      await vi.waitFor(() => expect(said).toContain('Job/loader|'), { timeout: 60_000 })
      waiting.kill('SIGINT')
      const [exitCode] = await once(waiting, 'exit')
      expect(exitCode).toBe(130)
    })
  })

  it('gives up waiting when its time is over, and says for what it waited', async () => {
    await inWorkplace(async place => {
      await apply(place.kubectl, pod('nim', { resources: { limits: { 'nvidia.com/gpu': moreGpus } } }))
      const outcome = await place.status(['pod/nim', '--wait', '--timeout', '5s', '--json'])
      expect(outcome.json()).toMatchObject({
        code: 'STATUS_TIMEOUT',
        exitCode: 6,
        why: expect.stringMatching(/It waits for Pod\/nim: No node has as many free GPUs/),
      })
    })
  })
})

describe.concurrent('who asks', () => {
  it('is told that there is no such object', async () => {
    await inWorkplace(async place => {
      const outcome = await place.status(['nimservice/nowhere', '--json'])
      expect(outcome.json()).toMatchObject({ code: 'STATUS_NOT_FOUND', exitCode: 5 })
    })
  })

  it('may not look at everything, and gets the rest', async () => {
    await inWorkplace(async place => {
      await apply(place.kubectl, pod('nim', shell('exit 1'), claimVolume('hidden')))
      // Of a class that no volume is of: it would take that of another test.
      await apply(place.kubectl, claimOf('hidden', 'none'))
      await place.kubectl(['create', 'role', 'reader', '--verb=get,list', '--resource=pods'])
      const account = `--serviceaccount=${place.namespace}:default`
      await place.kubectl(['create', 'rolebinding', 'reader', '--role=reader', account])
      const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'default'])).trim())
      const outcome = await place.status(['pod/nim', '--kubeconfig', file, '--json'])
      expect(outcome.json()).toMatchObject({
        kind: 'StatusReport',
        objects: [{ kind: 'Pod' }, { kind: 'PersistentVolumeClaim', findings: [{ code: 'NOT_PERMITTED' }] }],
      })
    })
  })

  it('needs no more than the roles of the documentation', async () => {
    await inWorkplace(async place => {
      const { kubectl, namespace } = place
      await plantFailedCache(place, loaderJob('exit 5'))
      await apply(kubectl, deployment('llama', { resources: { limits: { 'nvidia.com/gpu': moreGpus } } }))
      await kubectl(['apply', '-f', '-'], await readRole())
      await kubectl(['apply', '-f', '-'], await readRole('kind: ClusterRole'))
      const account = `--serviceaccount=${namespace}:default`
      await kubectl(['create', 'rolebinding', 'nimctl', '--role=nimctl', account])
      await kubectl(['create', 'clusterrolebinding', namespace, '--clusterrole=nimctl-status', account])
      const file = await kubeconfigOf(place, (await kubectl(['create', 'token', 'default'])).trim())
      const { stdout } = await place.status(['nimservice/llama', '--kubeconfig', file, '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ kind: 'StatusReport', cause: { code: 'LOADER_NOT_FOUND' } })
      expect(stdout).not.toContain('NOT_PERMITTED')
    })
  })

  it('may not look at the object itself', async () => {
    await inWorkplace(async place => {
      await apply(place.kubectl, nimCache('llama'))
      const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'default'])).trim())
      const outcome = await place.status(['nimcache/llama', '--kubeconfig', file, '--json'])
      expect(outcome.json()).toMatchObject({ code: 'CLUSTER_FORBIDDEN', exitCode: 4 })
    })
  })
})
