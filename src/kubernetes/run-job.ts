import { setTimeout as wait } from 'node:timers/promises'

import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

import { isRetryable, NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Cluster, JobObject } from './cluster.ts'
import { containerStatuses, whyEnded, whyNoPod, whyStuck } from './explain.ts'
import { followLog } from './follow-log.ts'
import type { Explained } from './reasons.ts'
import { removeJob } from './remove-job.ts'

export interface JobContext {
  cluster: Cluster
  signal: AbortSignal
  report: Report
  /** How long a pod may be stuck for one reason that could pass, in milliseconds. */
  stuckMs: number
  onLine: (line: string, step: string) => void
}

export interface StepResult {
  exitCode: number
  outOfMemory: boolean
  /** The image has no such program: nothing ran. */
  programMissing: boolean
  /** `sha256:…` of the image that ran, as the node pulled it. */
  imageDigest?: string
}

/** By the names of the Job's containers; those that never ran are absent. */
export type JobResult = ReadonlyMap<string, StepResult>

const askEveryMs = 1000

/**
 * Runs a Job to its end, hands on the logs of its containers, and removes it: when it has ended, when it fails, and when
 * `signal` aborts. An unfinished one of the same name, which a killed run left, is followed instead.
 *
 * @throws NimctlError what kept the pod from starting (kubernetes/reasons.ts), `unavailable` / `POD_ENDED_BY_CLUSTER`,
 * `JOB_GONE`, and what the cluster throws. A container that exits with something else than 0 is a result.
 */
export async function runJob(job: JobObject, context: JobContext): Promise<JobResult> {
  const { cluster, signal, report } = context
  const remove = () => removeJob(cluster, job.metadata.name, { report, interrupted: signal.aborted })
  try {
    await createJob(job, context)
  } catch (error) {
    // Unless the server has refused it, it may be there although no answer came.
    if (!(error instanceof NimctlError) || isRetryable(error)) await remove()
    throw error
  }
  try {
    return await followSteps(job, context)
  } finally {
    await remove()
  }
}

async function createJob(job: JobObject, { cluster, signal, report }: JobContext): Promise<void> {
  const { name } = job.metadata
  while (!(await cluster.createJob(job, signal))) {
    const present = await cluster.readJob(name, signal)
    const leaving = present?.metadata?.deletionTimestamp !== undefined
    const finished = present?.status?.conditions?.some(
      ({ type, status }) => /^(Complete|Failed)$/.test(type) && status === 'True',
    )
    if (present !== undefined && !leaving && finished !== true) {
      const message = `The Job ${name} of an earlier run of this command is still there; it is followed.`
      report({ event: 'warning', code: 'JOB_FOLLOWED', message })
      return
    }
    if (!leaving) await cluster.deleteJob(name, signal)
    await wait(askEveryMs, undefined, { signal })
  }
}

async function followSteps(job: JobObject, context: JobContext): Promise<JobResult> {
  const results = new Map<string, StepResult>()
  const { initContainers = [], containers = [] } = job.spec?.template.spec ?? {}
  for (const [index, { name }] of [...initContainers, ...containers].entries()) {
    const result = await followStep(job, name, context)
    results.set(name, result)
    if (index < initContainers.length && result.exitCode !== 0) break
  }
  return results
}

async function followStep(job: JobObject, step: string, context: JobContext): Promise<StepResult> {
  const { cluster, signal, onLine } = context
  const pod = await untilStarted(job, step, context)
  const status = () => readStatus(job, step, context)
  await followLog(
    cluster,
    { pod, container: step },
    { signal, onLine: line => onLine(line, step), hasEnded: async () => resultOf(await status()) !== undefined },
  )
  const result = resultOf(await status())
  if (result === undefined) throw new Error(`${pod}/${step} has ended and does not say how.`)
  return result
}

/** Resolves with the pod's name when the container runs, has run, or never can for want of its program. */
async function untilStarted(job: JobObject, step: string, context: JobContext): Promise<string> {
  const { signal, report, stuckMs } = context
  let since = 0
  let said = ''
  for (;;) {
    const { pod, stuck } = await patiently(() => look(job, step, context))
    const name = pod?.metadata?.name
    const status = pod === undefined ? undefined : statusOf(pod, step)
    if (name !== undefined && (status?.state?.running !== undefined || resultOf(status) !== undefined)) return name
    if (stuck?.definite === true) throw stuck.error
    if (stuck === undefined) since = 0
    else if (since === 0) since = Date.now()
    else if (Date.now() - since > stuckMs) throw stuck.error
    if (stuck !== undefined && stuck.error.message !== said) {
      said = stuck.error.message
      report({ event: 'warning', code: 'POD_WAITS', message: [said, stuck.error.why].filter(Boolean).join(' ') })
    }
    await wait(askEveryMs, undefined, { signal })
  }
}

interface Look {
  pod?: V1Pod
  stuck?: Explained | undefined
}

async function look({ metadata: { name } }: JobObject, step: string, context: JobContext): Promise<Look> {
  const { cluster, signal } = context
  const [pod] = await cluster.listPodsOfJob(name, signal)
  if (pod?.metadata?.name === undefined) {
    if ((await cluster.readJob(name, signal)) === undefined) throw jobGone(name, cluster)
    return { stuck: whyNoPod(await cluster.listEvents({ kind: 'Job', name }, signal)) }
  }
  const status = statusOf(pod, step)
  if (status?.state?.running !== undefined || resultOf(status) !== undefined) return { pod }
  const ended = whyEnded(pod)
  if (ended !== undefined) throw ended
  const events = await cluster.listEvents({ kind: 'Pod', name: pod.metadata.name }, signal)
  return { pod, stuck: whyStuck(pod, events) }
}

/** The container's state now. A pod that was taken away has none, and there will be none. */
async function readStatus(job: JobObject, step: string, context: JobContext): Promise<V1ContainerStatus | undefined> {
  const { cluster, signal } = context
  const { name } = job.metadata
  const [pod] = await patiently(() => cluster.listPodsOfJob(name, signal))
  if (pod === undefined) throw jobGone(name, cluster)
  const status = statusOf(pod, step)
  const ended = status?.state?.terminated === undefined ? whyEnded(pod) : undefined
  if (ended !== undefined) throw ended
  return status
}

/** A download takes hours; an API server that restarts meanwhile is no reason to give it up. */
async function patiently<Answer>(question: () => Promise<Answer>): Promise<Answer> {
  for (let left = tries; ; left--) {
    try {
      return await question()
    } catch (error) {
      if (left <= 1 || !isRetryable(error)) throw error
      await wait(pauseMs)
    }
  }
}

const tries = 10
const pauseMs = 3000

function statusOf(pod: V1Pod, step: string): V1ContainerStatus | undefined {
  return containerStatuses(pod).find(({ name }) => name === step)
}

/** What runtimes say where the image has no such program: runc, crun, and CRI-O before it starts. */
const noProgram = /executable file .*not found|no such file or directory|not found in \$PATH/i

/** Exit codes of Docker's and containerd's shims for what could not start. */
const notStarted = /^(StartError|ContainerCannotRun)$/

function resultOf(status: V1ContainerStatus | undefined): StepResult | undefined {
  const { terminated, waiting } = status?.state ?? {}
  if (terminated !== undefined) {
    const { exitCode, reason = '', message = '' } = terminated
    const imageDigest = /@(sha256:[0-9a-f]{64})$/.exec(status?.imageID ?? '')?.[1]
    return {
      exitCode,
      outOfMemory: reason === 'OOMKilled',
      programMissing: notStarted.test(reason) && noProgram.test(message),
      ...(imageDigest !== undefined && { imageDigest }),
    }
  }
  if (
    /^(CreateContainerError|RunContainerError)$/.test(waiting?.reason ?? '') &&
    noProgram.test(waiting?.message ?? '')
  )
    return { exitCode: 127, outOfMemory: false, programMissing: true }
  return undefined
}

function jobGone(name: string, { namespace }: Cluster): NimctlError {
  return new NimctlError('unavailable', 'JOB_GONE', {
    what: `Somebody removed the Job ${name}, or its pod, while it ran.`,
    next: `Run the same command again. Who it was: kubectl -n ${namespace} get events`,
  })
}
