import type { V1EnvFromSource, V1JobSpec, V1Volume, V1VolumeMount } from '@kubernetes/client-node'

import type { JobObject } from '../../kubernetes/cluster.ts'
import { podSpec, type RunAs, withoutSidecar } from '../../kubernetes/job.ts'
import { checkJobName } from '../../operator/names.ts'
import type { EnvVariable } from '../../operator/objects.ts'
import { metadata } from '../request.ts'

/** Where a Job of nimctl's own image runs, as whom, and with what. */
export interface JobSettings {
  serviceAccount?: string
  nodeSelector?: Record<string, string>
  tolerations?: readonly Toleration[]
  /** Absent: the image's own user. */
  runAs?: RunAs
  /** Quantities. */
  cpu: string
  memory: string
  /** After which the finished Job is removed; absent: it stays. */
  ttlSeconds?: number
}

export interface Toleration {
  key: string
  operator: string
  value?: string
  effect?: string
}

interface OwnJobRequest {
  name: string
  namespace?: string | undefined
  /** Of the container, and what the Job is for. */
  task: string
  image: string
  pullSecret?: string | undefined
  /** Instead of the image's own, which is nimctl. */
  entrypoint?: string[]
  args?: string[]
  env: readonly EnvVariable[]
  envFrom?: V1EnvFromSource[]
  mounts?: V1VolumeMount[]
  volumes?: V1Volume[]
  settings: JobSettings
  /** Makes it an Indexed Job. */
  indexes?: { count: number; parallelism: number }
}

/** Tries after the first, of each index: the operator's own Job has as many (reference/operator.md 3). */
const retries = 5

/**
 * Exit codes for what another try won't mend: usage, a check that failed, not permitted, not found, a tool that is
 * missing (docs/exit-codes.md).
 */
const lastingFailures = [2, 3, 4, 5, 7]

/** A Job that runs nimctl's own image under a restricted pod security, again after what may pass by itself. */
export function ownJob(request: OwnJobRequest): JobObject {
  const { name, namespace, task, indexes, settings } = request
  checkJobName(name, indexes?.count)
  const labels = {
    'app.kubernetes.io/name': 'nimctl',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': task,
  }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { ...metadata({ name, namespace }), labels },
    spec: {
      ...tries(task, indexes),
      ...(settings.ttlSeconds !== undefined && { ttlSecondsAfterFinished: settings.ttlSeconds }),
      template: { metadata: { labels, annotations: withoutSidecar }, spec: ownPod(request) },
    },
  }
}

function tries(containerName: string, indexes: OwnJobRequest['indexes']): Omit<V1JobSpec, 'template'> {
  const podFailurePolicy = {
    rules: [
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      {
        action: indexes === undefined ? 'FailJob' : 'FailIndex',
        onExitCodes: { containerName, operator: 'In', values: lastingFailures },
      },
    ],
  }
  if (indexes === undefined) return { backoffLimit: retries, podFailurePolicy }
  const { count, parallelism } = indexes
  return { completionMode: 'Indexed', completions: count, parallelism, backoffLimitPerIndex: retries, podFailurePolicy }
}

function ownPod(request: OwnJobRequest) {
  const { image, task, entrypoint, args = [], env, envFrom = [], mounts = [], volumes = [], settings } = request
  const { serviceAccount, runAs, cpu, memory } = settings
  return podSpec({
    settings: {
      nodeSelector: settings.nodeSelector ?? { 'kubernetes.io/os': 'linux' },
      tolerations: [...(settings.tolerations ?? [])],
      ...(serviceAccount !== undefined && { serviceAccount }),
      ...(request.pullSecret !== undefined && { pullSecret: request.pullSecret }),
      ...(runAs !== undefined && { runAs }),
    },
    steps: [
      {
        name: task,
        image,
        ...(entrypoint !== undefined && { entrypoint }),
        command: args,
        env: [...env],
        envFrom,
        resources: { requests: { cpu, memory }, limits: { memory } },
        readOnlyRoot: true,
        mounts: [...mounts, { name: 'tmp', mountPath: '/tmp' }],
      },
    ],
    // State, and the files that credentials are put into.
    volumes: [...volumes, { name: 'tmp', emptyDir: {} }],
  })
}
