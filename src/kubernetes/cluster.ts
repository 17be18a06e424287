import type { Readable } from 'node:stream'

import type { CoreV1Event, V1Job, V1Pod } from '@kubernetes/client-node'

import type { ObjectApi } from './objects.ts'

/** A Job as nimctl writes it: what `kubectl apply` takes, too. */
export type JobObject = V1Job & { apiVersion: 'batch/v1'; kind: 'Job'; metadata: { name: string; namespace?: string } }

export interface LogRequest {
  pod: string
  container: string
  /** RFC 3339; the server takes whole seconds of it. */
  since?: string
  /** Whether to wait for more than there is (default). */
  follow?: boolean
  /** Of the container that ran before it was started again. */
  previous?: boolean
  /** Only so many lines at its end. */
  tailLines?: number
}

export interface ExecRequest {
  pod: string
  container: string
  command: readonly string[]
  /** Takes each line of standard output. */
  onLine: (line: string) => void
}

export interface ExecOutcome {
  /** `undefined` where the command could not be started. */
  exitCode: number | undefined
  /** Its standard error, or why it did not start. */
  said: string
}

/**
 * The part of Kubernetes' API that nimctl asks, in one namespace. Every failure is a NimctlError already: `auth` /
 * `CLUSTER_LOGIN_REFUSED`, `CLUSTER_FORBIDDEN`; `not-found` / `NAMESPACE_NOT_FOUND`; `unavailable` /
 * `CLUSTER_UNREACHABLE`, `CLUSTER_BUSY`, `QUOTA_EXCEEDED`; `usage` / `OBJECT_REFUSED`. What is simply not there is a value.
 */
export interface Cluster extends ObjectApi {
  /** Of the API server. */
  readonly address: string
  readonly namespace: string
  /** @returns whether it was created: `false` where one of this name is there. */
  createJob(job: JobObject, signal: AbortSignal): Promise<boolean>
  readJob(name: string, signal: AbortSignal): Promise<V1Job | undefined>
  /** Its pods go with it, and it stays listed until they are gone. Succeeds where there is none. */
  deleteJob(name: string, signal: AbortSignal): Promise<void>
  /** Newest first. */
  listPodsOfJob(name: string, signal: AbortSignal): Promise<V1Pod[]>
  readPod(name: string, signal: AbortSignal): Promise<V1Pod | undefined>
  /** @param selector of labels, as kubectl takes it. */
  listPods(selector: string, signal: AbortSignal): Promise<V1Pod[]>
  /** Newest first. Empty where this user may not list events: they explain, nothing rests on them. */
  listEvents(object: { kind: string; name: string }, signal: AbortSignal): Promise<CoreV1Event[]>
  /**
   * A container's log from its beginning, or from a time on, each line with its own time before it. Ends with the
   * container, or earlier where something between cuts the connection. `undefined` where it has none yet.
   */
  openLog(request: LogRequest, signal: AbortSignal): Promise<Readable | undefined>
  /** Runs a command in a container that runs. */
  exec(request: ExecRequest, signal: AbortSignal): Promise<ExecOutcome>
}
