import type { Cluster } from '../kubernetes/cluster.ts'
import { NimctlError } from '../system/errors.ts'
import { judgeBuild, judgeCache, judgePipeline, judgeService } from './nim-objects.ts'
import { judgePod } from './pod.ts'
import { idOf, joinReport, type ObjectStatus, type StatusReport } from './report.ts'
import { claimNotFound, judgeClaim, judgeVolume } from './storage.ts'
import { kindOf, type Target } from './target.ts'
import { type Judges, openWalk } from './walk.ts'
import { claimsOf, judgeByLabel, judgeDeployment, judgeJob } from './workload.ts'

const judges: Judges = {
  of: {
    NIMPipeline: judgePipeline,
    NIMService: judgeService,
    NIMCache: judgeCache,
    NIMBuild: judgeBuild,
    InferenceService: judgeByLabel('serving.kserve.io/inferenceservice', 'Ready'),
    LeaderWorkerSet: judgeByLabel('leaderworkerset.sigs.k8s.io/name', 'Available'),
    Deployment: judgeDeployment,
    StatefulSet: judgeDeployment,
    Job: judgeJob,
    PersistentVolumeClaim: judgeClaim,
    PersistentVolume: judgeVolume,
  },
  async ofPod(walk, pod, options) {
    for (const name of claimsOf(pod.spec?.volumes))
      await walk.look({ ...kindOf('PersistentVolumeClaim'), name }, pod, claimNotFound)
    return await judgePod(walk.cluster, { pod, ...options }, walk.signal)
  },
}

/**
 * Joins an object and all that it owns or names into one answer, with the lowest thing that keeps it from being ready.
 *
 * @throws NimctlError `not-found` / `STATUS_NOT_FOUND`, `KIND_NOT_SERVED`; `auth` / `CLUSTER_FORBIDDEN` where this user
 * may not read the object itself; what the cluster throws.
 */
export async function readStatus(cluster: Cluster, target: Target, signal: AbortSignal): Promise<StatusReport> {
  const objects: ObjectStatus[] = []
  const seen = await openWalk({ cluster, signal, objects }, judges).look(target)
  if (seen === undefined || seen.status.state === 'unknown') throw await whyNotRead(cluster, target, signal)
  return joinReport(objects, cluster.namespace)
}

async function whyNotRead(cluster: Cluster, target: Target, signal: AbortSignal): Promise<NimctlError> {
  const reading = await cluster.readObject(target, signal)
  if (reading.answer === 'forbidden') return reading.error
  if (reading.answer !== 'not-served') return notThere(cluster, target)
  return new NimctlError('not-found', 'KIND_NOT_SERVED', {
    what: `The cluster knows no ${target.kind}.`,
    why: `${cluster.address} does not serve ${target.apiVersion}.`,
    next: 'Its operator is not installed there, or --context names another cluster.',
  })
}

function notThere({ namespace }: Cluster, target: Target): NimctlError {
  return new NimctlError('not-found', 'STATUS_NOT_FOUND', {
    what: `There is no ${idOf(target)} in namespace ${namespace}.`,
    next: `What there is: kubectl -n ${namespace} get ${target.kind.toLowerCase()}. Another namespace: -n`,
  })
}
