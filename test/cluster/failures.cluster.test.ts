import { beforeAll, describe, expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { apply, claim, kubeconfigOf, openWorkplace, type Workplace } from './workplace.ts'

const image = standIns.llm2.reference
const soon = ['--pod-running-timeout', '2s']

interface Failure {
  title: string
  args: string[]
  error: object
  prepare?: (place: Workplace) => Promise<void>
}

const list = ['profiles', image]
const cache = ['cache', image, 'pvc://model-cache', '--all']

const failures: Failure[] = [
  {
    title: "an image that isn't there",
    args: ['profiles', 'registry.internal/nim/none:1'],
    error: { category: 'not-found', code: 'IMAGE_NOT_IN_REGISTRY', exitCode: 5 },
  },
  {
    title: "a pod that can't be scheduled",
    args: [...list, '--node-selector', 'nvidia.com/gpu.product=NVIDIA-L40S', ...soon],
    error: {
      category: 'unavailable',
      code: 'POD_UNSCHEDULABLE',
      exitCode: 6,
      next: expect.stringMatching(/--node-selector/),
    },
  },
  {
    title: 'a quota',
    args: list,
    prepare: ({ kubectl }) => apply(kubectl, quota({ pods: '0' })),
    error: {
      category: 'unavailable',
      code: 'QUOTA_EXCEEDED',
      exitCode: 6,
      why: expect.stringMatching(/exceeded quota: few, requested: pods=1/),
    },
  },
  {
    title: 'a quota that wants limits',
    args: list,
    prepare: ({ kubectl }) => apply(kubectl, quota({ 'limits.cpu': '4' })),
    error: {
      category: 'usage',
      code: 'QUOTA_WANTS_LIMITS',
      exitCode: 2,
      why: expect.stringMatching(/must specify limits.cpu/),
    },
  },
  {
    title: 'a pod that the namespace does not permit',
    args: [...list, '--run-as', '0:0'],
    error: { category: 'auth', code: 'POD_SECURITY_REFUSED', exitCode: 4, why: expect.stringMatching(/runAsNonRoot/) },
  },
  {
    title: 'no service account',
    args: [...list, '--service-account', 'nobody'],
    error: { category: 'not-found', code: 'SERVICE_ACCOUNT_NOT_FOUND', exitCode: 5 },
  },
  {
    title: 'no runtime class',
    args: [...list, '--runtime-class', 'nvidia'],
    error: { category: 'not-found', code: 'RUNTIME_CLASS_NOT_FOUND', exitCode: 5 },
  },
  {
    title: 'no Secret',
    args: [...list, '--ngc-secret', 'none'],
    error: {
      category: 'not-found',
      code: 'SECRET_NOT_FOUND',
      exitCode: 5,
      why: expect.stringMatching(/secret "none" not found/),
    },
  },
  {
    title: 'no such key in the Secret',
    args: [...list, '--ngc-secret', 'nvidia-nim-secrets/KEY'],
    error: { category: 'not-found', code: 'SECRET_NOT_FOUND', exitCode: 5 },
  },
  {
    title: 'no claim',
    args: cache,
    error: { category: 'not-found', code: 'CLAIM_NOT_FOUND', exitCode: 5 },
  },
  {
    title: 'a claim without a volume',
    args: [...cache, ...soon],
    prepare: ({ kubectl }) => apply(kubectl, claim('model-cache')),
    error: { category: 'unavailable', code: 'CLAIM_NOT_BOUND', exitCode: 6 },
  },
  {
    title: 'an image without a shell, which offers no profiles',
    args: ['profiles', 'registry.internal/pause:1'],
    error: { category: 'usage', code: 'PROFILES_NOT_LISTABLE', exitCode: 2 },
  },
  {
    title: 'an image that is no NIM',
    args: ['profiles', 'registry.internal/busybox:1'],
    error: { category: 'usage', code: 'NOT_A_NIM_IMAGE', exitCode: 2 },
  },
]

describe.concurrent('each is explained, and leaves nothing', () => {
  it.each(failures)('$title', async ({ args, error, prepare }) => {
    const place = await openWorkplace()
    await prepare?.(place)
    const outcome = await place.run([...args, '--json'])
    expect(outcome.json()).toMatchObject(error)
    expect(await place.left()).toBe('')
  })
})

function quota(hard: Record<string, string>) {
  return { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'few' }, spec: { hard } }
}

describe.concurrent('the cluster itself', () => {
  let place: Workplace
  beforeAll(async () => {
    place = await openWorkplace()
  })

  it('has no such namespace', async () => {
    const outcome = await place.run([...list, '-n', 'nowhere', '--json'])
    expect(outcome.json()).toMatchObject({ code: 'NAMESPACE_NOT_FOUND', exitCode: 5 })
  })

  it('does not let this user make Jobs, and says what is missing', async () => {
    const file = await kubeconfigOf(place, (await place.kubectl(['create', 'token', 'default'])).trim())
    const outcome = await place.run([...list, '--kubeconfig', file, '--json'])
    expect(outcome.json()).toMatchObject({
      code: 'CLUSTER_FORBIDDEN',
      exitCode: 4,
      what: `This user may not create a Job in namespace ${place.namespace}.`,
    })
  })

  it('does not know who asks', async () => {
    const outcome = await place.run([...list, '--kubeconfig', await kubeconfigOf(place, 'guessed'), '--json'])
    expect(outcome.json()).toMatchObject({ code: 'CLUSTER_LOGIN_REFUSED', exitCode: 4 })
  })

  it('takes the Role of the documentation for all that nimctl asks', async () => {
    const own = await openWorkplace()
    const { readRole } = await import('./documented-role.ts')
    await own.kubectl(['apply', '-f', '-'], await readRole())
    await own.kubectl(['create', 'rolebinding', 'nimctl', '--role=nimctl', `--serviceaccount=${own.namespace}:default`])
    const file = await kubeconfigOf(own, (await own.kubectl(['create', 'token', 'default'])).trim())
    expect(await own.run([...list, '--ids', '--kubeconfig', file])).toMatchObject({ exitCode: 0 })
    expect(await own.left()).toBe('')
  })
})
