import type { V1Container, V1Pod } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import { whyEnded, whyStuck } from '../kubernetes/explain.ts'
import type { Store } from '../stores/store.ts'
import type { Check, CheckLog, CheckReport } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import { describeKey, type ImageDigest, type PublishedInventory, requireInventory } from '../transfer/marker.ts'
import { chooseContainer, findCachePath, withoutSlash } from './pod-container.ts'
import { checkVolume, type VolumeSize } from './pod-files.ts'
import { judgeDownload, judgeProfile, profileInUse, type ProfileQuestion, readSigns } from './pod-log.ts'

export interface ValidatePodRequest {
  cluster: Cluster
  /** One by name, or all of a selector of labels. */
  pods: { name: string } | { selector: string }
  /** Absent: the one that mounts the cache, else the first. */
  container?: string
  /** Of the cache, in the container. Absent: as `findCachePath` finds it. */
  cachePath?: string
  /** Whose inventory says what should lie in the volume, and which one where several images share the bucket. */
  against?: { store: Store; image?: ImageDigest }
  /** Must be in use: an id or its beginning. */
  profile?: string
  checks: CheckLog
  signal: AbortSignal
  report: Report
}

/**
 * Judges what the volume of running pods holds, and what their logs say of it. Changes nothing. Contents are not read.
 *
 * @throws NimctlError `not-found` / `POD_NOT_FOUND`, `CONTAINER_NOT_FOUND`; as `requireInventory` and `Cluster`.
 */
export async function validatePod(request: ValidatePodRequest): Promise<CheckReport> {
  const { checks, against, signal, report } = request
  report({ event: 'started', task: 'validate' })
  const pods = await findPods(request)
  const published = against && (await requireInventory(against.store, against.image, signal))
  const summary = { models: published?.inventory.header.models ?? [], files: 0, bytes: 0 }
  const profiles = new Set<string>()
  for (const pod of pods) {
    const { files, bytes, profile } = await checkPod(pod, published, request)
    summary.files += files
    summary.bytes += bytes
    if (profile !== undefined) profiles.add(profile)
  }
  report({ event: 'ended', task: 'validate' })
  return checks.report(targetOf(request), {
    ...summary,
    profiles: [...profiles],
    ...(published !== undefined && { inventoryDigest: published.digest }),
    ...(against !== undefined && { against: describeKey(against.store, '') }),
  })
}

function targetOf({ cluster, pods }: ValidatePodRequest): string {
  return 'name' in pods ? `pod/${cluster.namespace}/${pods.name}` : `pods/${cluster.namespace}: ${pods.selector}`
}

async function findPods({ cluster, pods, signal }: ValidatePodRequest): Promise<V1Pod[]> {
  const one = 'name' in pods ? await cluster.readPod(pods.name, signal) : undefined
  const found = 'name' in pods ? (one === undefined ? [] : [one]) : await cluster.listPods(pods.selector, signal)
  if (found.length > 0) return found
  const { namespace } = cluster
  throw new NimctlError('not-found', 'POD_NOT_FOUND', {
    what: `Namespace ${namespace} has no pod ${'name' in pods ? pods.name : `with ${pods.selector}`}.`,
    next: `Choose another namespace with -n. What there is: kubectl -n ${namespace} get pods --show-labels`,
  })
}

async function checkPod(
  pod: V1Pod,
  published: PublishedInventory | undefined,
  request: ValidatePodRequest,
): Promise<VolumeSize & { profile: string | undefined }> {
  const { cluster, checks, signal, profile: asked } = request
  const name = pod.metadata?.name ?? ''
  const container = chooseContainer(pod, request.container)
  await checks.add(await judgeRunning(pod, container, request))
  const size = await checkFiles({ pod, container }, published, request)
  if (!checks.wants('pod.download') && !checks.wants('pod.profile')) return { ...size, profile: undefined }
  const signs = await readSigns(cluster, { pod: name, container: container.name }, signal)
  await checks.add(judgeDownload(name, container, signs))
  const question: ProfileQuestion = {
    pod: name,
    container,
    signs,
    ...(asked !== undefined && { asked }),
    ...(published !== undefined && { stored: published.inventory.header.profiles.map(({ id }) => id) }),
  }
  await checks.add(judgeProfile(question))
  return { ...size, profile: profileInUse(question) }
}

function statusOf({ status }: V1Pod, { name }: V1Container) {
  return status?.containerStatuses?.find(each => each.name === name)
}

async function judgeRunning(
  pod: V1Pod,
  container: V1Container,
  { cluster, signal }: ValidatePodRequest,
): Promise<Check> {
  const name = pod.metadata?.name ?? ''
  const status = statusOf(pod, container)
  const check = { name: 'pod.running', method: 'structure', path: name, expected: 'runs and is ready' } as const
  if (status?.state?.running !== undefined) {
    if (status.ready) return { ...check, status: 'ok', found: 'ready' }
    const next = `Wait until the model is loaded; look at its log: kubectl -n ${cluster.namespace} logs ${name}`
    return {
      ...check,
      status: 'warning',
      found: `runs, is not ready; started again ${status.restartCount} times`,
      next,
    }
  }
  const error = whyEnded(pod) ?? whyStuck(pod, await cluster.listEvents({ kind: 'Pod', name }, signal))?.error
  const { waiting, terminated } = status?.state ?? {}
  const reason = waiting?.reason ?? terminated?.reason ?? pod.status?.phase ?? 'unknown'
  return {
    ...check,
    status: 'failed',
    found: error === undefined ? reason : `${reason}: ${error.message}`,
    next: error?.next ?? `See: kubectl -n ${cluster.namespace} describe pod ${name}`,
  }
}

const fileChecks = ['pod.files', 'pod.file-missing', 'pod.file-size', 'pod.link', 'pod.extra']

async function checkFiles(
  { pod, container }: { pod: V1Pod; container: V1Container },
  published: PublishedInventory | undefined,
  { cluster, cachePath, checks, signal }: ValidatePodRequest,
): Promise<VolumeSize> {
  const nothing = { files: 0, bytes: 0 }
  if (!fileChecks.some(name => checks.wants(name))) return nothing
  const name = pod.metadata?.name ?? ''
  const inventory = published?.inventory
  const path = withoutSlash(cachePath ?? findCachePath(container, inventory?.header.family))
  if (statusOf(pod, container)?.state?.running === undefined) {
    await checks.add({
      name: 'pod.files',
      status: 'not-provable',
      method: 'structure',
      path: `${name}:${path}`,
      expected: 'files of a cache',
      found: 'the container does not run',
      next: 'Mount the volume in a pod that runs, such as one of busybox with sleep, and name that one.',
    })
    return nothing
  }
  const volume = { cluster, pod: name, container: container.name, path, checks, signal }
  return await checkVolume({ ...volume, ...(inventory !== undefined && { entries: inventory.entries }) })
}
