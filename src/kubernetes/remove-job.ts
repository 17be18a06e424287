import { setTimeout as wait } from 'node:timers/promises'

import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { Cluster } from './cluster.ts'

/** The pod's grace period, and some. Who pressed Ctrl-C does not wait for it: the cluster goes on by itself. */
const waitMs = { usually: 30_000, interrupted: 3_000 }

const askEveryMs = 500

/** Takes a Job away with its pods. Reports it where that fails: what went wrong before is the more important error. */
export async function removeJob(
  cluster: Cluster,
  name: string,
  { report, interrupted }: { report: Report; interrupted: boolean },
): Promise<void> {
  const signal = AbortSignal.timeout(60_000)
  try {
    await cluster.deleteJob(name, signal)
    const deadline = Date.now() + (interrupted ? waitMs.interrupted : waitMs.usually)
    while ((await cluster.readJob(name, signal)) !== undefined && Date.now() < deadline) await wait(askEveryMs)
  } catch (error) {
    if (!(error instanceof NimctlError)) throw error
    const message = `The Job ${name} could not be removed (${error.message}): kubectl -n ${cluster.namespace} delete job ${name}`
    report({ event: 'warning', code: 'JOB_LEFT', message })
  }
}
