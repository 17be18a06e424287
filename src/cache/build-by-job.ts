import type { V1EnvVar } from '@kubernetes/client-node'

import type { PulledImage } from '../image/inspect-by-job.ts'
import type { Cluster, JobObject } from '../kubernetes/cluster.ts'
import { clusterCure } from '../kubernetes/cure.ts'
import { makeJob, type PodSettings } from '../kubernetes/job.ts'
import { type JobResult, runJob, type StepResult } from '../kubernetes/run-job.ts'
import { type Download, type DownloadRun, downloadRuns } from '../nim/downloads.ts'
import type { Utility } from '../nim/families.ts'
import { recogniseSymptom, skippedProfiles } from '../nim/symptoms.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import { NimctlError } from '../system/errors.ts'
import type { Report } from '../system/progress.ts'
import type { CacheResult } from './build.ts'
import { checkStructure } from './check-tree.ts'
import { profilesOf } from './missing.ts'
import { describeModels } from './models.ts'
import { readTreeListing, treeScript } from './tree-listing.ts'

/** Where in the cluster the cache lies, as KServe writes it: `pvc://CLAIM/PATH`. */
export interface ClaimPlace {
  claim: string
  /** Of the volume; empty for its root. */
  path: string
}

interface CacheJobRequest {
  image: string
  run: Omit<DownloadRun, 'utilities'>
  place: ClaimPlace
  namespace?: string
  settings: PodSettings
  /** The NGC key among them, as a reference to its Secret. */
  env: V1EnvVar[]
  /** An image with a shell, `stat` and `readlink`, for those NIM images that have none. Default: the NIM itself. */
  checkImage?: string
}

interface ClusterCacheRequest extends Omit<CacheJobRequest, 'image' | 'run'> {
  cluster: Cluster
  image: PulledImage
  /** The image's, read beforehand. */
  manifest: ModelManifest
  download: Download
  stuckMs: number
}

interface BuildOptions {
  signal: AbortSignal
  report: Report
}

const downloadStep = 'nim-cache'
const listStep = 'list-files'

/** The Job that fills a volume by the image's own download, and then lists what lies there. */
export function cacheJob(request: CacheJobRequest, utility: Utility): JobObject {
  const { image, run, place, namespace, settings, env, checkImage } = request
  const { target, scratch } = run
  const mount = {
    name: 'cache',
    mountPath: target,
    ...(place.path !== '' && { subPath: place.path }),
  }
  return makeJob({
    task: 'cache',
    ...(namespace !== undefined && { namespace }),
    settings,
    volumes: [
      { name: 'cache', persistentVolumeClaim: { claimName: place.claim } },
      ...(scratch === undefined ? [] : [{ name: 'scratch', emptyDir: {} }]),
    ],
    firstSteps: [
      {
        name: downloadStep,
        image,
        ...utility,
        env: [...Object.entries(run.env).map(([name, value]) => ({ name, value })), ...env],
        mounts: [mount, ...(scratch === undefined ? [] : [{ name: 'scratch', mountPath: scratch }])],
        isNim: true,
      },
    ],
    steps: [
      {
        name: listStep,
        image: checkImage ?? image,
        entrypoint: ['sh', '-c', treeScript, 'sh'],
        command: [target],
        mounts: [{ ...mount, readOnly: true }],
      },
    ],
  })
}

/**
 * Fills a PersistentVolumeClaim by the image's own means in a Job, then compares what lies there, as a second container
 * of its pod lists it, with the manifest: by names, sizes and links. Nothing is hashed.
 *
 * @throws NimctlError `usage` / `NO_DOWNLOAD_UTILITY`; the cause that the log tells; else
 * `check-failed` / `CONTAINER_FAILED`, `CACHE_NOT_CHECKED`; `unavailable` / `POD_OUT_OF_MEMORY`; what keeps the pod from
 * starting.
 */
export async function buildCacheByJob(request: ClusterCacheRequest, options: BuildOptions): Promise<CacheResult> {
  const {
    image,
    manifest,
    download: { form },
  } = request
  const dir = formatClaimPlace(request.place)
  const warnings: string[] = []
  const warn = (code: string, message: string) => {
    warnings.push(message)
    options.report({ event: 'warning', code, message })
  }
  const { result, lines, listed } = await runDownloads(request, options)
  const download = result.get(downloadStep)
  const list = result.get(listStep)
  const tree = list?.exitCode === 0 ? readTreeListing(dir, listed) : undefined
  if (tree === undefined) throw notChecked(dir, list, listed)
  const profiles = profilesOf(request, { tree, lines })
  const asked = new Set(profiles.map(({ id }) => id))
  const wanted = manifest.profiles.filter(({ id }) => asked.has(id))
  const failed = checkStructure(tree, { form, profiles: wanted }).filter(({ status }) => status === 'failed')
  explainMissing(profiles, lines, warn)
  if (manifest.schemaVersion === 1 && profiles.length > 0) {
    warn(
      'PRESENCE_BY_FILE_NAMES',
      'The manifest of this image names no versions: present means that one snapshot has all files by name.',
    )
  }
  const files = tree.entries.filter(entry => entry.type === 'file')
  return {
    ok: profiles.every(({ present }) => present) && failed.length === 0,
    dir,
    image: image.reference,
    imageDigest: download?.imageDigest ?? image.digest,
    family: image.family,
    profiles,
    models: describeModels(tree),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    checks: failed,
    warnings,
  }
}

function formatClaimPlace({ claim, path }: ClaimPlace): string {
  return `pvc://${claim}${path === '' ? '' : `/${path}`}`
}

interface FinishedJob {
  result: JobResult
  /** Of the download. */
  lines: string[]
  /** Of the list of files. */
  listed: string[]
}

/** One Job for each container of the download; the last one's list shows them all. */
async function runDownloads(request: ClusterCacheRequest, options: BuildOptions): Promise<FinishedJob> {
  const { image, download } = request
  let finished: FinishedJob = { result: new Map(), lines: [], listed: [] }
  for (const run of downloadRuns(image.family, download)) {
    const one = await runDownload(request, run, options)
    const ended = one.result.get(downloadStep)
    if (ended !== undefined && ended.exitCode !== 0) throw downloadFailed(image, ended, one.lines)
    finished = { ...one, lines: [...finished.lines, ...one.lines] }
  }
  return finished
}

async function runDownload(
  request: ClusterCacheRequest,
  run: DownloadRun,
  { signal, report }: BuildOptions,
): Promise<FinishedJob> {
  const { cluster, image, stuckMs } = request
  const task = `cache ${image.reference}`
  for (const utility of run.utilities) {
    const lines: string[] = []
    const listed: string[] = []
    const onLine = (line: string, step: string) => {
      if (step === listStep) listed.push(line)
      else keep(lines, line)
      if (step === downloadStep) report({ event: 'log', source: 'download-to-cache', line })
    }
    const job = cacheJob({ ...request, image: image.reference, run, namespace: cluster.namespace }, utility)
    report({ event: 'started', task })
    const result = await runJob(job, { cluster, signal, report, stuckMs, onLine }).finally(() =>
      report({ event: 'ended', task }),
    )
    if (result.get(downloadStep)?.programMissing !== true) return { result, lines, listed }
  }
  throw new NimctlError('usage', 'NO_DOWNLOAD_UTILITY', {
    what: `${image.reference} contains no program that downloads to a cache.`,
    why: 'Looked for download-to-cache, and in nimlib images for nim_download_to_cache.',
  })
}

const keptLines = 2000

function keep(lines: string[], line: string): void {
  lines.push(line)
  if (lines.length > keptLines) lines.shift()
}

/** The container said 0 and profiles are missing all the same: where nothing came, a known cause is the answer. */
function explainMissing(
  profiles: CacheResult['profiles'],
  lines: readonly string[],
  warn: (code: string, message: string) => void,
): void {
  const missing = profiles.filter(({ present }) => !present)
  if (missing.length === 0) return
  const cause = clusterCure(recogniseSymptom(lines))
  if (cause !== undefined && missing.length === profiles.length) throw cause
  const skipped = skippedProfiles(lines)
  for (const { id } of missing) {
    const why = skipped.includes(id) ? 'The container does not know it and passed over it.' : 'Files of it are missing.'
    warn('PROFILE_NOT_PRESENT', `Profile ${id} is not in the cache. ${why}`)
  }
}

const shownLines = 8

function downloadFailed(
  image: PulledImage,
  { exitCode, outOfMemory }: StepResult,
  lines: readonly string[],
): NimctlError {
  if (outOfMemory) {
    return new NimctlError('unavailable', 'POD_OUT_OF_MEMORY', {
      what: `The node ended the download of ${image.reference} for want of memory.`,
      next: "Its limit comes from the namespace's LimitRange, or the node has no more: kubectl describe limitrange. What has been downloaded is kept.",
      mend: 'not',
    })
  }
  const last = lines.filter(line => line.trim() !== '').slice(-shownLines)
  const said = last.length === 0 ? ' and printed nothing.' : `; its last lines: ${last.join(' | ')}`
  return (
    clusterCure(recogniseSymptom(lines)) ??
    new NimctlError('check-failed', 'CONTAINER_FAILED', {
      what: `The download of ${image.reference} failed.`,
      why: `The container exited with ${exitCode}${said}`,
      next: 'What has been downloaded is kept; the same command goes on. Its log stands above, unless --quiet was given.',
    })
  )
}

function notChecked(dir: string, list: StepResult | undefined, lines: readonly string[]): NimctlError {
  const ended = list?.programMissing === true ? 'It has no shell' : `It exited with ${list?.exitCode}`
  return new NimctlError('check-failed', 'CACHE_NOT_CHECKED', {
    what: `The download into ${dir} ended well, but nothing could list what lies there.`,
    why: [`A second container of the same image was to do it. ${ended}`, ...lines.slice(-2)].join(' | '),
    next: 'Run the same command with --check-image IMAGE, one with sh, stat and readlink, such as busybox; nothing is downloaded twice.',
  })
}
