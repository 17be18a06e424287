import type { CoreV1Event, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

import type { AnyObject } from '../../src/kubernetes/objects.ts'

const nvidia = 'apps.nvidia.com/v1alpha1'

interface Written {
  type: string
  status: string
  reason?: string
  message?: string
}

export function nimObject(kind: string, name: string, more: { spec?: object; status?: object } = {}): AnyObject {
  return { apiVersion: nvidia, kind, metadata: { name, uid: `${kind}-${name}` }, spec: {}, ...more }
}

export function status(state: string, ...conditions: Written[]): { status: object } {
  return { status: { state, conditions } }
}

export function ready(kind: string, name: string, spec: object = {}): AnyObject {
  return nimObject(kind, name, { spec, ...status('Ready') })
}

export function object(apiVersion: string, kind: string, name: string, more: object = {}): AnyObject {
  return { apiVersion, kind, metadata: { name }, ...more }
}

export function claim(name: string, more: { spec?: object; phase?: string } = {}): AnyObject {
  const { spec = { storageClassName: 'fast' }, phase = 'Bound' } = more
  return object('v1', 'PersistentVolumeClaim', name, { spec, status: { phase } })
}

export function job(name: string, status: object = {}): AnyObject {
  return object('batch/v1', 'Job', name, { spec: {}, status })
}

export function deployment(name: string, status: object = {}): AnyObject {
  return object('apps/v1', 'Deployment', name, {
    spec: { replicas: 1, selector: { matchLabels: { app: name } } },
    status,
  })
}

interface PodParts {
  labels?: Record<string, string>
  phase?: string
  container?: Partial<V1ContainerStatus>
  spec?: Partial<V1Pod['spec']>
  conditions?: { type: string; status: string; message?: string }[]
  reason?: string
  message?: string
  annotations?: Record<string, string>
}

export function pod(name: string, parts: PodParts = {}): V1Pod {
  const { labels, phase = 'Running', container, spec, conditions, annotations, ...rest } = parts
  const status = { name: 'nim', image: 'r/nim:1', imageID: '', ready: false, restartCount: 0, ...container }
  return {
    metadata: { name, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: { containers: [{ name: 'nim', image: 'r/nim:1' }], ...spec },
    status: { phase, containerStatuses: [status], ...(conditions && { conditions }), ...rest },
  }
}

export function ended(exitCode: number, reason = 'Error'): Partial<V1ContainerStatus> {
  return { state: { terminated: { exitCode, reason } } }
}

export function event(kind: string, name: string, reason: string, message: string): CoreV1Event {
  return { reason, message, involvedObject: { kind, name }, metadata: {} }
}
