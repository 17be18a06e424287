import type { Cluster } from '../kubernetes/cluster.ts'
import { newestOperatorRelease, type OperatorVersion } from '../operator/versions.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import { read } from '../system/json.ts'
import type { Report } from '../system/progress.ts'
import { checkGround, tryObjects } from './objects/cluster/check-cluster.ts'
import type { ReadFiles } from './objects/files.ts'
import { checksOf, judgeObjects } from './objects/judge.ts'
import { listAt } from './objects/workload.ts'

export interface ValidateObjectsRequest {
  /** For people: where the objects come from. */
  target: string
  source: ReadFiles
  /** Absent: the one of the cluster, else the newest release. */
  operatorVersion?: OperatorVersion
  registries: readonly string[]
  online: boolean
  /** To be asked, too: what objects want must be there, and it tries each. */
  cluster?: Cluster
  checks: CheckLog
  signal: AbortSignal
  report: Report
}

/**
 * Judges Kubernetes objects by what stands in them, and with a cluster by what is there, from the nodes upwards. Nothing
 * is changed: the API server only tries objects (dry run).
 *
 * @throws NimctlError what the cluster throws where it can't be reached or does not know who asks.
 */
export async function validateObjects(request: ValidateObjectsRequest): Promise<CheckReport> {
  const { source, target, cluster, checks, signal, report } = request
  report({ event: 'started', task: 'validate' })
  const add = async (list: readonly Check[]) => {
    for (const check of list) await checks.add(check)
  }
  await add(source.checks)
  const asked = request.operatorVersion
  const ground = cluster && (await checkGround({ cluster, objects: source.objects, asked, signal }))
  await add(ground?.checks ?? [])
  const operatorVersion = asked ?? ground?.operatorVersion ?? newestOperatorRelease
  const { registries, online } = request
  const { kubernetesVersion } = ground ?? {}
  const judgements = judgeObjects(source.objects, {
    operatorVersion,
    registries,
    online,
    ...(kubernetesVersion !== undefined && { kubernetesVersion }),
  })
  await add(judgements.flatMap(checksOf))
  if (ground !== undefined && checks.wants('objects.server'))
    await add(await tryObjects(ground, { judgements, operatorVersion }))
  report({ event: 'ended', task: 'validate' })
  return checks.report(target, summarize(source))
}

function summarize({ objects, files, bytes }: ReadFiles) {
  const profiles = objects.flatMap(({ value }) => [
    ...listAt(value, 'spec', 'source', 'ngc', 'model', 'profiles'),
    read(value, 'spec', 'storage', 'nimCache', 'profile'),
  ])
  return {
    models: [],
    profiles: [...new Set(profiles.filter(id => typeof id === 'string' && id !== '' && id !== 'all').map(String))],
    files,
    bytes,
  }
}
