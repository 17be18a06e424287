import type { InventoryHeader } from '../inventory/inventory.ts'
import type { KubernetesObject } from '../operator/objects.ts'
import type { OperatorVersion } from '../operator/versions.ts'

export const emitKinds = ['stack', 'nimcache', 'nimservice'] as const

export type EmitKind = (typeof emitKinds)[number]

/** How the NIMCache gets its files: nimctl's loader image (layouts `cache` and `tar`), or NIM's own download (layout `ngc`). */
export const cacheSources = ['loader', 'override'] as const

export type CacheSource = (typeof cacheSources)[number]

/** What an emit needs to know, all defaults filled in but those that follow from the inventory. */
export interface EmitRequest {
  kind: EmitKind
  /** Of the NIMCache and of the NIMService. */
  name: string
  namespace?: string
  header: InventoryHeader
  /** Where the inventory was read: what this machine calls the prefix. */
  cacheUrl: URL
  /** The same prefix as the cluster calls it, where that differs. */
  storeUrl?: URL
  /** `sha256:…` of the inventory; the loader refuses another. */
  inventoryDigest?: string
  operatorVersion: OperatorVersion
  /** Follows from the inventory's layout; naming the other one is refused. */
  source?: CacheSource
  /** Host, port and prefix that images were mirrored to, such as `registry.internal:5000/mirror`. */
  imageRegistry?: string
  /** nimctl's own image, for the loader. */
  loaderImage?: string
  /** An existing Secret with the store's credentials; default `<name>-store`. */
  storeSecret?: string
  /** An existing Secret of type docker-registry. */
  pullSecret?: string
  /** An id, a unique beginning of one, or an exact description. */
  profile?: string
  storage: StorageRequest
  /** Where the NIMCache's Job may run. Default: any Linux node. */
  nodeSelector?: Record<string, string>
  replicas: number
  port: number
  /** Of S3, as the cluster reaches it. */
  endpointUrl?: URL
  region?: string
}

interface StorageRequest {
  /** A quantity; default: from the inventory's bytes. */
  size?: string
  /** Default: the cluster's default class. */
  storageClass?: string
  /** Default `ReadWriteMany`: the Job and the pods of the service may run on different nodes. */
  accessMode?: string
  /** An existing claim, instead of a new one. */
  claimName?: string
}

/** For whoever reads the YAML: what a field is there for, or what to adapt. */
export interface Comment {
  kind: string
  /** From the object's root; an entry of a list of named things is reached by its name. */
  path: readonly string[]
  text: string
}

export interface EmitResult {
  /** In the order in which they should be applied. */
  objects: KubernetesObject[]
  comments: Comment[]
  /** What must be there before they are applied. */
  prerequisites: string[]
  warnings: string[]
}

/** A part of a result: what each stage adds. */
export function emitted(part: Partial<EmitResult>): EmitResult {
  return { objects: [], comments: [], prerequisites: [], warnings: [], ...part }
}

export function joined(...parts: EmitResult[]): EmitResult {
  return {
    objects: parts.flatMap(part => part.objects),
    comments: parts.flatMap(part => part.comments),
    prerequisites: [...new Set(parts.flatMap(part => part.prerequisites))],
    warnings: [...new Set(parts.flatMap(part => part.warnings))],
  }
}

export function metadata(name: string, { namespace }: EmitRequest) {
  return namespace === undefined ? { name } : { name, namespace }
}
