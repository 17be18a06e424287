import type { NimctlError } from '../system/errors.ts'

/** A kind as it stands in an object: `apps.nvidia.com/v1alpha1`, `NIMCache`. */
export interface ObjectKind {
  apiVersion: string
  kind: string
}

/** An object of any kind as the API server writes it; dates are text. */
export interface AnyObject extends ObjectKind {
  metadata: ObjectMetadata
  [field: string]: unknown
}

interface ObjectMetadata {
  name: string
  namespace?: string
  uid?: string
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean }[]
  [field: string]: unknown
}

/** An object that somebody wrote. With `generateName` it has no name. */
export interface WrittenObject extends ObjectKind {
  metadata: { name?: string; namespace?: string }
}

/** Which object; one that lies in no namespace passes over `namespace`. */
export interface ObjectAddress extends ObjectKind {
  name: string
  /** Default: the cluster's. */
  namespace?: string
}

export interface ObjectQuery extends ObjectKind {
  /** Default: the cluster's. */
  namespace?: string
  allNamespaces?: true
  /** As kubectl's `-l` takes it. */
  labelSelector?: string
  /** As kubectl's `--field-selector` takes it. */
  fieldSelector?: string
}

/**
 * What a question to the API server came to. `not-served`: it knows no such kind, so no CRD of it is installed.
 * `forbidden`: there may be one; the error is for whoever can't do without.
 */
export type Reading<Value> =
  | { answer: 'found'; value: Value }
  | { answer: 'absent' }
  | { answer: 'not-served' }
  | { answer: 'forbidden'; error: NimctlError }

/** For whom it is all the same why there is nothing. */
export function valueOf<Value>(reading: Reading<Value>): Value | undefined {
  return reading.answer === 'found' ? reading.value : undefined
}

/**
 * What the server would do with an object. `tried` says with what: `create`, or `apply` where one of this name is there,
 * which shows immutable fields too. Where it refuses, `message` is its own, in full.
 */
export type DryRun =
  | { outcome: 'accepted'; tried: DryRunVerb; object: AnyObject; warnings: string[] }
  | { outcome: 'refused'; tried: DryRunVerb; status: number; reason: string; message: string; causes: RefusalCause[] }
  | { outcome: 'not-served' }
  /** This user may not: nothing is proved. */
  | { outcome: 'forbidden'; error: NimctlError }

export type DryRunVerb = 'create' | 'apply'

export interface RefusalCause {
  /** `spec.replicas`; absent where the server names none. */
  field?: string
  message: string
}

export interface ServedKind {
  /** As it stands in paths and Roles: `nimcaches`. */
  plural: string
  namespaced: boolean
}

/** Questions about objects of any kind, custom ones too. Failures as of a `Cluster`; what is not there is a value. */
export interface ObjectApi {
  readObject(object: ObjectAddress, signal: AbortSignal): Promise<Reading<AnyObject>>
  /** All of them, however many, in the server's order. */
  listObjects(query: ObjectQuery, signal: AbortSignal): Promise<Reading<AnyObject[]>>
  /** Changes nothing. Unknown and repeated fields are refused (`fieldValidation=Strict`). */
  dryRun(object: WrittenObject, signal: AbortSignal): Promise<DryRun>
  /** `undefined` where the server knows no such kind. */
  findKind(kind: ObjectKind, signal: AbortSignal): Promise<ServedKind | undefined>
  /** Of the API server: `v1.36.3`. */
  readServerVersion(signal: AbortSignal): Promise<string>
}
