import type { CoreV1Event, V1ContainerStateTerminated, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import { containerStatuses, whyEnded, whyStuck } from '../kubernetes/explain.ts'
import { valueOf } from '../kubernetes/objects.ts'
import { sanitize } from '../system/secret.ts'
import { containerOf, explainFailure } from './container-failure.ts'
import { findingOf, findingOfReason } from './cures.ts'
import { type Finding, type ObjectState, type Severity, stateOf } from './report.ts'
import { explainScheduling } from './scheduling.ts'

export interface PodVerdict {
  state: ObjectState
  says: string
  findings: Finding[]
}

/** After so many restarts nobody expects the next one to do better. */
const hopelessRestarts = 3

/** @param retried whoever made the pod makes another one where it fails. */
export async function judgePod(
  cluster: Cluster,
  { pod, retried }: { pod: V1Pod; retried: boolean },
  signal: AbortSignal,
): Promise<PodVerdict> {
  const { phase = 'Pending' } = pod.status ?? {}
  if (pod.metadata?.deletionTimestamp !== undefined) return { state: 'in-progress', says: 'Terminating', findings: [] }
  if (phase === 'Succeeded') return { state: 'ready', says: 'Completed', findings: [] }
  if (hasCondition(pod, 'Ready')) return { state: 'ready', says: 'Running', findings: [] }
  const events = await cluster.listEvents({ kind: 'Pod', name: pod.metadata?.name ?? '' }, signal)
  const findings = await findTroubles(cluster, { pod, events, retried }, signal)
  const state = stateOf(findings, phase === 'Failed' ? 'failed' : 'in-progress')
  return { state, says: wordOf(pod), findings }
}

interface Circumstances {
  pod: V1Pod
  events: readonly CoreV1Event[]
  retried: boolean
}

async function findTroubles(cluster: Cluster, circumstances: Circumstances, signal: AbortSignal): Promise<Finding[]> {
  const { pod, events, retried } = circumstances
  const ended = whyEnded(pod)
  if (ended !== undefined) return [evicted(pod) ?? findingOf(ended, retried ? 'stuck' : 'failed')]
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined) {
    const nodes = valueOf(await cluster.listObjects({ apiVersion: 'v1', kind: 'Node', allNamespaces: true }, signal))
    const exact = explainScheduling(pod, sanitize(unscheduled.message ?? ''), nodes)
    if (exact !== undefined) return [exact]
  }
  for (const status of containerStatuses(pod)) {
    const failure = failureOf(pod, status)
    if (failure === undefined) continue
    const { ended: how, previous } = failure
    const probe = previous ? killedByProbe(status, events) : undefined
    if (probe !== undefined) return [probe]
    const severity = severityOf(pod, status, retried)
    return [await explainFailure(cluster, { pod, status, ended: how, previous, severity }, signal)]
  }
  const stuck = whyStuck(pod, events)
  if (stuck !== undefined) return [findingOfReason(stuck), ...missingPullSecret(events)]
  return containerStatuses(pod).flatMap(status => failingProbe(pod, status, events) ?? [])
}

function hasCondition({ status }: V1Pod, type: string): boolean {
  return status?.conditions?.some(condition => condition.type === type && condition.status === 'True') === true
}

/** As kubectl's column STATUS, in short. */
function wordOf(pod: V1Pod): string {
  const { phase = 'Pending', reason } = pod.status ?? {}
  for (const { state } of containerStatuses(pod)) {
    const { waiting, terminated } = state ?? {}
    if (waiting?.reason !== undefined && waiting.reason !== 'PodInitializing') return waiting.reason
    if (terminated !== undefined && terminated.exitCode !== 0) return terminated.reason ?? 'Error'
  }
  return reason ?? (phase === 'Running' ? 'Running, not ready' : phase)
}

/** A volume, or the container's own disk, took more than it may: the kubelet takes the pod away. */
function evicted({ status }: V1Pod): Finding | undefined {
  const { reason, message = '' } = status ?? {}
  if (reason !== 'Evicted' || !/emptyDir|ephemeral[- ](?:local )?storage|disk/i.test(message)) return undefined
  return {
    code: 'POD_OUT_OF_DISK',
    severity: 'failed',
    what: 'The node took the pod away: it wrote more than its emptyDir or its node has room for.',
    why: sanitize(message),
    next: 'Give storage.emptyDir.sizeLimit the size of the model, or a PersistentVolumeClaim in its place.',
  }
}

interface Failure {
  ended: V1ContainerStateTerminated
  previous: boolean
}

/** It ended with an error now, or before it was started again and is still not ready. */
function failureOf(pod: V1Pod, { state, lastState, ready, restartCount }: V1ContainerStatus): Failure | undefined {
  const { terminated, waiting } = state ?? {}
  if (terminated !== undefined) return terminated.exitCode === 0 ? undefined : { ended: terminated, previous: false }
  const before = lastState?.terminated
  const loops = waiting?.reason === 'CrashLoopBackOff' || (restartCount > 0 && !ready)
  if (before === undefined || !loops) return undefined
  // A server that ends is a failure however well it ended.
  return before.exitCode === 0 && pod.spec?.restartPolicy === 'OnFailure'
    ? undefined
    : { ended: before, previous: true }
}

function severityOf(pod: V1Pod, { restartCount }: V1ContainerStatus, retried: boolean): Severity {
  if (retried) return 'stuck'
  return pod.status?.phase === 'Failed' || restartCount >= hopelessRestarts ? 'failed' : 'stuck'
}

/** The kubelet says so in an event, and the container ends with whatever its program makes of SIGTERM. */
function killedByProbe({ name, restartCount }: V1ContainerStatus, events: readonly CoreV1Event[]): Finding | undefined {
  const killing = events.find(
    ({ reason, message = '' }) =>
      reason === 'Killing' && message.includes(name) && /failed (?:startup|liveness) probe/.test(message),
  )
  if (killing === undefined) return undefined
  const which = /failed startup probe/.test(killing.message ?? '') ? 'startup' : 'liveness'
  return {
    code: 'PROBE_KILLS',
    severity: restartCount >= hopelessRestarts ? 'failed' : 'stuck',
    what: `The ${which} probe of the container ${name} fails, so that the node starts it again each time.`,
    why: [killing.message, unhealthy(events)?.message]
      .filter(Boolean)
      .map(said => sanitize(`${said}`))
      .join(' '),
    next:
      which === 'startup'
        ? 'Give it more time: failureThreshold times periodSeconds of startupProbe has to be longer than the model takes to load. Look at path and port as well.'
        : 'Look at path and port of livenessProbe, and what the log says at that time.',
  }
}

function unhealthy(events: readonly CoreV1Event[]): CoreV1Event | undefined {
  return events.find(({ reason }) => reason === 'Unhealthy')
}

/** A container that runs and does not answer. While it starts, that is how it has to be. */
function failingProbe(pod: V1Pod, status: V1ContainerStatus, events: readonly CoreV1Event[]): Finding | undefined {
  const event = unhealthy(events)
  if (status.ready || status.state?.running === undefined || event === undefined) return undefined
  const starting = status.started !== true && containerOf(pod, status.name)?.startupProbe !== undefined
  return {
    code: 'PROBE_FAILING',
    severity: starting ? 'waiting' : 'stuck',
    what: starting
      ? `The container ${status.name} runs, and does not answer its startup probe yet.`
      : `The container ${status.name} runs, and its probe fails.`,
    why: sanitize(event.message ?? ''),
    next: starting
      ? 'Wait: large models take many minutes to load. What it does: kubectl logs'
      : 'Look at path and port of the probe, and at what the container says: kubectl logs. A NIM answers /v1/health/ready.',
  }
}

/** The pull goes on without it, and is then refused. */
function missingPullSecret(events: readonly CoreV1Event[]): Finding[] {
  const event = events.find(({ reason }) => reason === 'FailedToRetrieveImagePullSecret')
  if (event === undefined) return []
  return [
    {
      code: 'PULL_SECRET_MISSING',
      severity: 'note',
      what: 'A Secret that the pod names for its registry is not in the namespace.',
      why: sanitize(event.message ?? ''),
      next: 'Make it: kubectl create secret docker-registry NAME --docker-server=REGISTRY …',
    },
  ]
}
