import type { V1EnvVar } from '@kubernetes/client-node'

import type { Cluster, JobObject } from '../kubernetes/cluster.ts'
import { clusterCure } from '../kubernetes/cure.ts'
import { makeJob, type PodSettings } from '../kubernetes/job.ts'
import { runJob, type StepResult } from '../kubernetes/run-job.ts'
import { nimEnvironment } from '../nim/environment.ts'
import { cacheMount, listUtilities, type NimFamily, type Utility } from '../nim/families.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import { NimctlError } from '../system/errors.ts'
import { joinManifest } from './join-listing.ts'
import type { ProfileListing } from './listing.ts'
import type { ModelManifest } from './model-manifest.ts'
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
  throw noUtility(image)
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

function notListable(image: string): NimctlError {
  return new NimctlError('usage', 'PROFILES_NOT_LISTABLE', {
    what: `${image} offers no profiles.`,
    why: 'It has no shell, or says itself that it is of the family native-v1: those have neither a list command nor a manifest.',
    next: 'It downloads without choosing.',
  })
}

function noUtility(image: string): NimctlError {
  return new NimctlError('usage', 'NO_LIST_UTILITY', {
    what: `${image} contains no program that lists profiles.`,
    why: 'Looked for list-model-profiles, and in nimlib images for nim_list_model_profiles.',
    next: `Read them from the image instead, which needs no GPU and no key: nimctl profiles ${image}`,
  })
}

const shownLines = 5

function notListed(image: string, { exitCode, outOfMemory }: StepResult, lines: readonly string[]): NimctlError {
  const last = lines.filter(line => line.trim() !== '').slice(-shownLines)
  const ended = outOfMemory ? 'was ended for want of memory' : `exited with ${exitCode}`
  return new NimctlError('check-failed', 'PROFILES_NOT_LISTED', {
    what: `The list command of ${image} listed no profile.`,
    why: last.length === 0 ? `It ${ended} and printed nothing.` : `It ${ended}; its last lines: ${last.join(' | ')}`,
    next: `Read them from the image instead, which needs no GPU and no key: nimctl profiles ${image}`,
  })
}
