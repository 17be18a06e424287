import type { CoreV1Event, V1Pod } from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'

import { whyEnded, whyNoPod, whyStuck } from '../../src/kubernetes/explain.ts'

const waiting = (reason: string, message?: string): V1Pod => ({
  status: {
    containerStatuses: [
      {
        name: 'nim',
        image: '',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason, ...(message && { message }) } },
      },
    ],
  },
})

const unscheduled = (message: string): V1Pod => ({
  status: { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] },
})

const event = (reason: string, message: string): CoreV1Event => ({ reason, message, involvedObject: {}, metadata: {} })

describe('a pod that does not start', () => {
  it.each([
    {
      title: 'an image that is not there (containerd)',
      pod: waiting(
        'ErrImagePull',
        'rpc error: code = NotFound desc = failed to pull and unpack image "r/i:1": failed to resolve reference "r/i:1": r/i:1: not found',
      ),
      code: 'IMAGE_NOT_IN_REGISTRY',
    },
    {
      title: 'an image that is not there (CRI-O)',
      pod: waiting(
        'ImagePullBackOff',
        'Back-off pulling image "r/i:1": ErrImagePull: reading manifest 1 in r/i: manifest unknown',
      ),
      code: 'IMAGE_NOT_IN_REGISTRY',
    },
    {
      title: 'a registry that wants a log-in, in the words of Docker Hub',
      pod: waiting(
        'ErrImagePull',
        'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed',
      ),
      code: 'IMAGE_PULL_DENIED',
    },
    {
      title: 'no entitlement at NGC',
      pod: waiting(
        'ErrImagePull',
        'unexpected status from HEAD request to https://nvcr.io/v2/nim/x/manifests/1: 402 Payment Required',
      ),
      code: 'IMAGE_PULL_DENIED',
    },
    {
      title: 'a registry with a CA of its own',
      pod: waiting('ErrImagePull', 'tls: failed to verify certificate: x509: certificate signed by unknown authority'),
      code: 'IMAGE_REGISTRY_TLS',
    },
    {
      title: 'no such registry',
      pod: waiting('ErrImagePull', 'dial tcp: lookup registry.internal on 10.0.0.10:53: no such host'),
      code: 'IMAGE_REGISTRY_UNREACHABLE',
    },
    {
      title: 'a name in no form',
      pod: waiting('InvalidImageName', 'Failed to apply default image tag "A B"'),
      code: 'IMAGE_NAME_INVALID',
    },
    {
      title: 'a Secret that is not there',
      pod: waiting('CreateContainerConfigError', 'secret "ngc" not found'),
      code: 'SECRET_NOT_FOUND',
    },
    {
      title: 'a user without a number',
      pod: waiting(
        'CreateContainerConfigError',
        'container has runAsNonRoot and image has non-numeric user (nim), cannot verify user is non-root',
      ),
      code: 'RUN_AS_REFUSED',
    },
  ])('$title', ({ pod, code }) => {
    expect(whyStuck(pod, [])).toMatchObject({ definite: true, error: { code } })
  })

  it('takes the cause from the event where the state does not have it', () => {
    const events = [event('Failed', 'Failed to pull image "r/i:1": rpc error: code = NotFound desc = r/i:1: not found')]
    expect(whyStuck(waiting('ImagePullBackOff', 'Back-off pulling image "r/i:1"'), events)).toMatchObject({
      error: { code: 'IMAGE_NOT_IN_REGISTRY' },
    })
  })

  it('waits on where a registry only did not answer', () => {
    expect(whyStuck(waiting('ErrImagePull', 'dial tcp 10.0.0.1:443: i/o timeout'), [])).toMatchObject({
      definite: false,
      error: { category: 'unavailable', code: 'IMAGE_REGISTRY_UNREACHABLE' },
    })
  })

  it.each([
    { message: '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.', code: 'POD_UNSCHEDULABLE', next: /--gpus/ },
    {
      message: '0/1 nodes are available: 1 node(s) had untolerated taint {nvidia.com/gpu: present}.',
      code: 'POD_UNSCHEDULABLE',
      next: /--toleration/,
    },
    {
      message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
      code: 'POD_UNSCHEDULABLE',
      next: /--node-selector/,
    },
    {
      message:
        "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s).",
      code: 'POD_UNSCHEDULABLE',
      next: /--node-selector.*--toleration/,
    },
    {
      message: '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.',
      code: 'CLAIM_NOT_BOUND',
      next: /describe pvc/,
    },
    { message: 'persistentvolumeclaim "c" not found', code: 'CLAIM_NOT_FOUND', next: /get pvc/ },
    { message: '0/2 nodes are available: 2 Too many pods.', code: 'POD_UNSCHEDULABLE', next: /describe nodes/ },
  ])('no node: $message', ({ message, code, next }) => {
    const error = whyStuck(unscheduled(message), [])?.error
    expect(error).toMatchObject({ code, why: message })
    expect(error?.next).toMatch(next)
  })

  it('is no trouble while it is pulled', () => {
    expect(whyStuck(waiting('ContainerCreating'), [event('Pulling', 'Pulling image "r/i:1"')])).toBeUndefined()
    expect(whyStuck(waiting('PodInitializing'), [])).toBeUndefined()
    expect(whyStuck({}, [])).toBeUndefined()
  })

  it('tells of a volume that cannot be mounted', () => {
    const events = [event('FailedMount', 'MountVolume.SetUp failed for volume "pv": mount failed: exit status 32')]
    expect(whyStuck(waiting('ContainerCreating'), events)).toMatchObject({
      definite: false,
      error: { code: 'VOLUME_NOT_MOUNTED' },
    })
  })
})

it.each([
  {
    message:
      'Error creating: pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4',
    code: 'QUOTA_EXCEEDED',
  },
  {
    message: 'Error creating: pods "x" is forbidden: failed quota: q: must specify limits.memory for: nim',
    code: 'QUOTA_WANTS_LIMITS',
  },
  {
    message: 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
    code: 'POD_SECURITY_REFUSED',
  },
  {
    message: 'Error creating: pods "x" is forbidden: unable to validate against any security context constraint',
    code: 'POD_SECURITY_REFUSED',
  },
  {
    message:
      'Error creating: pods "x" is forbidden: error looking up service account n/a: serviceaccount "a" not found',
    code: 'SERVICE_ACCOUNT_NOT_FOUND',
  },
  {
    message: 'Error creating: pods "x" is forbidden: pod rejected: RuntimeClass "nvidia" not found',
    code: 'RUNTIME_CLASS_NOT_FOUND',
  },
  {
    message: 'Error creating: admission webhook "policy.example" denied the request: images must be signed',
    code: 'ADMISSION_REFUSED',
  },
])('no pod: $message', ({ message, code }) => {
  expect(whyNoPod([event('FailedCreate', message)])).toMatchObject({ error: { code, why: message } })
})

it('knows what the cluster ended from what ended by itself', () => {
  const evicted = { status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } }
  expect(whyEnded(evicted)).toMatchObject({ code: 'POD_ENDED_BY_CLUSTER', why: /Evicted: The node was low/ })
  expect(whyEnded({ status: { phase: 'Failed' } })).toBeUndefined()
})
