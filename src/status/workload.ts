import type { V1Pod } from '@kubernetes/client-node'

import { whyNoPod } from '../kubernetes/explain.ts'
import type { AnyObject } from '../kubernetes/objects.ts'
import { admissionReasons, explain } from '../kubernetes/reasons.ts'
import { numberAt, read, textAt } from '../system/json.ts'
import { findingOfReason } from './cures.ts'
import { type Finding, type ObjectStatus, stateOf } from './report.ts'
import { conditionsOf, holds, type Judge, type Verdict, type Walk } from './walk.ts'

/** Of a workload with many pods only so many that are not ready are looked at; the others are like them. */
const mostPods = 10

export const judgeJob: Judge = async (walk, job) => {
  const { cluster, signal } = walk
  const { name } = job.metadata
  const complete = holds(job, 'Complete') ?? holds(job, 'SuccessCriteriaMet')
  const failed = holds(job, 'Failed')
  const pods = newestOfEach(await cluster.listPodsOfJob(name, signal))
  await lookAtPods(walk, { parent: job, pods, retried: failed === undefined })
  const says = saysOfJob(job)
  if (complete !== undefined) return { state: 'ready', says, findings: [] }
  if (failed !== undefined) return { state: 'failed', says, findings: [jobFailed(failed.message)] }
  if (read(job, 'spec', 'suspend') === true) return { state: 'stuck', says: 'Suspended', findings: [suspended] }
  const refused = pods.length > 0 ? undefined : whyNoPod(await cluster.listEvents({ kind: 'Job', name }, signal))
  const findings = refused === undefined ? [] : [findingOfReason(refused)]
  return { state: stateOf(findings, 'in-progress'), says, findings }
}

/** Of an Indexed Job the newest pod of each index; of another the newest. What came before is history. */
function newestOfEach(newestFirst: readonly V1Pod[]): V1Pod[] {
  const indexOf = ({ metadata }: V1Pod) => metadata?.annotations?.['batch.kubernetes.io/job-completion-index'] ?? ''
  const seen = new Set<string>()
  return newestFirst.filter(pod => {
    const isFirst = !seen.has(indexOf(pod))
    seen.add(indexOf(pod))
    return isFirst
  })
}

function saysOfJob(job: AnyObject): string {
  const wanted = numberAt(job, 'spec', 'completions') ?? 1
  const failures = numberAt(job, 'status', 'failed') ?? 0
  const done = `${numberAt(job, 'status', 'succeeded') ?? 0}/${wanted} complete`
  return failures === 0 ? done : `${done}, ${failures} failed`
}

function jobFailed(why: string): Finding {
  return {
    code: 'JOB_FAILED',
    severity: 'failed',
    what: 'The Job has given up.',
    why,
    next: 'Its pod says why. When that is mended, delete the Job and apply it again.',
  }
}

const suspended: Finding = {
  code: 'JOB_SUSPENDED',
  severity: 'stuck',
  what: 'The Job is suspended: it makes no pods.',
  next: 'Go on with: kubectl patch job NAME --type merge -p \'{"spec":{"suspend":false}}\'. A queue such as Kueue does so by itself.',
}

/** Also of a StatefulSet. */
export const judgeDeployment: Judge = async (walk, deployment) => {
  const { cluster, signal } = walk
  const wanted = numberAt(deployment, 'spec', 'replicas') ?? 1
  const available = numberAt(deployment, 'status', 'availableReplicas') ?? 0
  const updated = numberAt(deployment, 'status', 'updatedReplicas') ?? 0
  const observed = numberAt(deployment, 'status', 'observedGeneration') ?? 0
  const current = observed >= (numberAt(deployment, 'metadata', 'generation') ?? 0)
  const pods = await cluster.listPods(selectorOf(deployment), signal)
  await lookAtPods(walk, { parent: deployment, pods, retried: false })
  const says = `${available}/${wanted} available`
  if (current && available >= wanted && updated >= wanted) return { state: 'ready', says, findings: [] }
  const findings = troublesOfRollout(deployment)
  return { state: stateOf(findings, 'in-progress'), says, findings }
}

function troublesOfRollout(deployment: AnyObject): Finding[] {
  const refused = holds(deployment, 'ReplicaFailure')
  const reason = refused === undefined ? undefined : explain(admissionReasons, refused.message)
  if (reason !== undefined) return [findingOfReason(reason)]
  const late = conditionsOf(deployment).find(({ reason: said }) => said === 'ProgressDeadlineExceeded')
  if (late === undefined) return []
  return [
    {
      code: 'ROLLOUT_LATE',
      severity: 'stuck',
      what: 'The Deployment has not got on for longer than its progressDeadlineSeconds.',
      why: late.message,
      next: 'Its pods say why. Where a model simply takes long to load, that is no fault.',
    },
  ]
}

function selectorOf(workload: AnyObject): string {
  const labels = read(workload, 'spec', 'selector', 'matchLabels')
  return Object.entries(typeof labels === 'object' && labels !== null ? labels : {})
    .map(([label, value]) => `${label}=${String(value)}`)
    .join(',')
}

/** What other operators make for a NIMService, by their own word and their pods. */
export function judgeByLabel(label: string, readyCondition: string): Judge {
  return async (walk, object) => {
    const pods = await walk.cluster.listPods(`${label}=${object.metadata.name}`, walk.signal)
    await lookAtPods(walk, { parent: object, pods, retried: false })
    return judgeByCondition(object, readyCondition)
  }
}

function judgeByCondition(object: AnyObject, type: string): Verdict {
  const condition = conditionsOf(object).find(each => each.type === type)
  if (condition?.status === 'True') return { state: 'ready', says: type, findings: [] }
  const says = condition?.reason || `not ${type}`
  if (condition === undefined || condition.message === '') return { state: 'in-progress', says, findings: [] }
  const what = `The ${object.kind} is not ready.`
  const next = `See: kubectl describe ${object.kind.toLowerCase()} ${object.metadata.name}`
  const finding: Finding = { code: 'WORKLOAD_NOT_READY', severity: 'waiting', what, why: condition.message, next }
  return { state: 'in-progress', says, findings: [finding] }
}

interface PodsOf {
  parent: AnyObject
  pods: readonly V1Pod[]
  retried: boolean
}

/** Those that are going, and what the cluster ended and has replaced, say nothing of how it does now. */
async function lookAtPods(walk: Walk, { parent, pods, retried }: PodsOf): Promise<ObjectStatus[]> {
  const alive = pods.filter(
    ({ metadata, status }) => metadata?.deletionTimestamp === undefined && status?.reason !== 'Evicted',
  )
  const counted = alive.length > 0 ? alive : pods
  const statuses: ObjectStatus[] = []
  let unready = 0
  for (const pod of counted) {
    if (unready >= mostPods) break
    const status = await walk.lookAtPod(pod, parent, { retried })
    if (status.state !== 'ready') unready += 1
    statuses.push(status)
  }
  return statuses
}

/** @returns names of the claims that a pod, or a pod's template, mounts. */
export function claimsOf(volumes: unknown): string[] {
  if (!Array.isArray(volumes)) return []
  return volumes.flatMap(volume => textAt(volume, 'persistentVolumeClaim', 'claimName') ?? [])
}
