import { nimImage } from '../../src/emit/nim-image.ts'
import { emitPod, type PodRequest } from '../../src/emit/pod/pod.ts'
import { podProfile } from '../../src/emit/profile.ts'
import type { UploadedCache } from '../../src/emit/request.ts'
import type { EmitResult } from '../../src/emit/result.ts'
import type { InventoryHeader } from '../../src/inventory/inventory.ts'
import { aHeader } from './request.ts'

export type PodChanges = Partial<Omit<PodRequest, 'profile' | 'uploaded' | 'image'>> & {
  /** What differs in the inventory. */
  header?: Partial<InventoryHeader>
  /** What else differs in the upload. */
  upload?: Partial<UploadedCache>
  /** The profile, as a person names it. */
  wanted?: string
}

/** A Deployment on a filled claim, with the defaults of the command line. */
export function aPod({ header: changed = {}, upload, wanted, ...changes }: PodChanges = {}): PodRequest {
  const header = aHeader(changed)
  const place = { imageRegistry: 'registry.internal:5000' }
  const profile = podProfile(header, { wanted, online: changes.online ?? false })
  return {
    kind: 'pod',
    name: 'llama',
    namespace: 'nim-service',
    operatorVersion: '3.1.2',
    ...place,
    uploaded: { header, cacheUrl: new URL('s3://models/llama'), region: 'eu-central-1', ...upload },
    family: header.family,
    image: nimImage(header.image, place),
    ...(profile && { profile }),
    online: false,
    volume: { type: 'claim', claim: 'models' },
    form: 'deployment',
    replicas: 1,
    port: 8000,
    probes: { healthPath: 'v1/health/ready', startupSeconds: 3600 },
    resources: { cpu: '1', memory: '20Gi', shmSize: '16Gi' },
    placement: { nodeSelector: {}, tolerations: [], runAs: { uid: 1000, gid: 2000, fsGroup: 2000 } },
    lora: { adapters: [], hubImage: 'python:3.12-alpine' },
    env: {},
    ...changes,
  }
}

/** The same, from an image alone. */
export function aPodOfImage(changes: PodChanges): PodRequest {
  const { uploaded: _, profile: _profile, ...request } = aPod(changes)
  return request
}

interface SomeContainer {
  name: string
  image: string
  command?: string[]
  env: { name: string; value?: string; valueFrom?: unknown }[]
  envFrom?: unknown
  ports: unknown
  resources: { requests: Record<string, string>; limits?: Record<string, string> }
  volumeMounts: { name: string; mountPath: string; subPath?: string }[]
  startupProbe: unknown
  readinessProbe: unknown
  livenessProbe: unknown
  securityContext: unknown
}

interface SomePodSpec {
  initContainers?: SomeContainer[]
  containers: [SomeContainer]
  volumes: { name: string }[]
  [field: string]: unknown
}

/** Of the Deployment or Pod that was emitted. */
export function podSpecOf(changes: PodChanges = {}): SomePodSpec {
  const { spec } = emittedPod(changes)
  return spec.template?.spec ?? (spec as unknown as SomePodSpec)
}

export function nimOf(changes: PodChanges = {}): SomeContainer {
  return podSpecOf(changes).containers[0]
}

/** Its plain variables. */
export function envOf(changes: PodChanges = {}): Record<string, string | undefined> {
  return Object.fromEntries(nimOf(changes).env.map(({ name, value }) => [name, value]))
}

export function objectOf(result: EmitResult, kind: string): unknown {
  return result.objects.find(object => object.kind === kind)
}

function emittedPod(changes: PodChanges) {
  const result = emitPod(aPod(changes))
  const pod = objectOf(result, 'Deployment') ?? objectOf(result, 'Pod')
  return pod as { spec: { template?: { spec: SomePodSpec } } }
}
