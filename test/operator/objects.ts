import type { KubernetesObject } from '../../src/operator/objects.ts'
import { isPlain } from '../../src/operator/plain.ts'

/** Changes of an object: a path such as `spec.services.0.name` to its new value; `undefined` takes the field away. */
export type Changes = Record<string, unknown>

/** Objects that no rule has anything to say about, under main. */
const right = {
  NIMCache: {
    apiVersion: 'apps.nvidia.com/v1alpha1',
    kind: 'NIMCache',
    metadata: { name: 'llama' },
    spec: {
      source: { ngc: { modelPuller: 'r.internal/nim/llama:1.0', authSecret: 'ngc', model: { profiles: ['a', 'b'] } } },
      storage: { pvc: { create: true, size: '50Gi', volumeAccessMode: 'ReadWriteMany' } },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    },
  },
  NIMService: {
    apiVersion: 'apps.nvidia.com/v1alpha1',
    kind: 'NIMService',
    metadata: { name: 'llama' },
    spec: {
      image: { repository: 'r.internal/nim/llama', tag: '1.0', pullPolicy: 'IfNotPresent' },
      authSecret: 'unused',
      env: [{ name: 'NGC_API_KEY', value: '' }],
      storage: { nimCache: { name: 'llama', profile: 'a' } },
      replicas: 1,
      resources: { limits: { 'nvidia.com/gpu': 1 }, requests: { 'nvidia.com/gpu': 1 } },
      expose: { service: { type: 'ClusterIP', port: 8000 } },
    },
  },
  NIMBuild: {
    apiVersion: 'apps.nvidia.com/v1alpha1',
    kind: 'NIMBuild',
    metadata: { name: 'llama-build' },
    spec: {
      nimCache: { name: 'llama', profile: 'a' },
      image: { repository: 'r.internal/nim/llama', tag: '1.0' },
    },
  },
} satisfies Record<string, KubernetesObject>

export function aCache(changes: Changes = {}): KubernetesObject {
  return changed(right.NIMCache, changes)
}

export function aService(changes: Changes = {}): KubernetesObject {
  return changed(right.NIMService, changes)
}

export function aBuild(changes: Changes = {}): KubernetesObject {
  return changed(right.NIMBuild, changes)
}

export function aPipeline(changes: Changes = {}): KubernetesObject {
  const spec = { services: [{ name: 'llm', enabled: true, spec: right.NIMService.spec }] }
  return changed({ ...right.NIMService, kind: 'NIMPipeline', metadata: { name: 'rag' }, spec }, changes)
}

function changed(object: KubernetesObject, changes: Changes): KubernetesObject {
  const copy = structuredClone(object)
  for (const [path, value] of Object.entries(changes)) set(copy, path.split('.'), structuredClone(value))
  return copy
}

function set(holder: unknown, [name = '', ...rest]: string[], value: unknown): void {
  if (Array.isArray(holder)) {
    if (rest.length === 0) holder[Number(name)] = value
    else set((holder[Number(name)] ??= {}), rest, value)
    return
  }
  if (!isPlain(holder)) throw new Error(`There is nothing to hold ${name}.`)
  if (rest.length > 0) set((holder[name] ??= {}), rest, value)
  else if (value === undefined) delete holder[name]
  else holder[name] = value
}
