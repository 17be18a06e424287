import type { V1EnvVar } from '@kubernetes/client-node'

import type { Cluster, JobObject } from '../kubernetes/cluster.ts'
import { clusterCure } from '../kubernetes/cure.ts'
import { makeJob, type PodSettings } from '../kubernetes/job.ts'
import { runJob, type StepResult } from '../kubernetes/run-job.ts'
import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount, listUtilities, type NimFamily, type Utility } from '../nim/families.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import { joinManifest } from './join-listing.ts'
import type { ProfileListing } from './listing.ts'
import type { ModelManifest } from './model-manifest.ts'
import { noListUtility, notListable, notListed } from './not-listed.ts'
import { parseProfileList } from './parse-listing.ts'
import type { ProfileSource } from './source.ts'

interface ListJobRequest {
  image: string
  family: NimFamily
  namespace?: string
  settings: PodSettings
  /** The NGC key among them, as a reference to its Secret. */
  env: V1EnvVar[]
}

interface ClusterListRequest extends ListJobRequest {
  cluster: Cluster
  stuckMs: number
  /** What is known of the image, joined with what the node says. */
  manifest?: ModelManifest
}

const stepName = 'nim-list'

/** The Job that prints what its node can run of an image. The cache it may write to is gone with it. */
export function listJob({ image, family, namespace, settings, env }: ListJobRequest, utility: Utility): JobObject {
  const target = cacheMount[family]
  return makeJob({
    task: 'profiles',
    ...(namespace !== undefined && { namespace }),
    settings,
    volumes: [{ name: 'cache', emptyDir: {} }],
    steps: [
      {
        name: stepName,
        image,
        ...utility,
        env: [{ name: nimEnvironment.cachePath, value: target }, ...env],
        mounts: [{ name: 'cache', mountPath: target }],
        isNim: true,
      },
    ],
  })
}

/**
 * Asks a node of a cluster what it can run of an image, by the image's own list command in a Job.
 *
 * @throws NimctlError `usage` / `PROFILES_NOT_LISTABLE`, `NO_LIST_UTILITY`; the cause where the log tells it; else
 * `check-failed` / `PROFILES_NOT_LISTED` with the last lines; and what keeps the pod from starting.
 */
export const listByJob: ProfileSource<ClusterListRequest> = async (request, options) => {
  const { image, family, manifest, cluster, stuckMs } = request
  const utilities = listUtilities(family)
  if (utilities.length === 0) throw notListable(image)
  for (const utility of utilities) {
    const lines: string[] = []
    const onLine = (line: string) => {
      lines.push(line)
      options.report({ event: 'log', source: 'list-model-profiles', line })
    }
    const job = listJob({ ...request, namespace: cluster.namespace }, utility)
    const result = (await runJob(job, { cluster, ...options, stuckMs, onLine })).get(stepName)
    if (result === undefined || result.programMissing) continue
    const listing = readRun(lines, result, request)
    return manifest === undefined ? listing : joinManifest(listing, manifest)
  }
  throw noListUtility(image)
}

function readRun(lines: readonly string[], result: StepResult, { image, family }: ListJobRequest): ProfileListing {
  const list = parseProfileList(lines.join('\n'))
  if (list.profiles.length === 0) throw clusterCure(recogniseSymptom(lines)) ?? notListed(image, result, lines)
  const { exitCode, imageDigest } = result
  return {
    source: 'kubernetes',
    image,
    ...(imageDigest !== undefined && { imageDigest }),
    family,
    ...list,
    warnings: exitCode === 0 ? list.warnings : [...list.warnings, `The list command exited with ${exitCode}.`],
  }
}
