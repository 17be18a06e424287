import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'

import type { NimImage } from '../image/inspect.ts'
import { type Download, type DownloadRun, downloadRuns } from '../nim/downloads.ts'
import type { NimFamily } from '../nim/families.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import type { Check } from '../system/check.ts'
import type { ContainerEngine } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import { withLocks } from '../system/lock.ts'
import type { Report } from '../system/progress.ts'
import { askedIds, sourcesOf } from './asked.ts'
import { type AskSizes, bytesToCome } from './bytes-to-come.ts'
import type { CacheRecord, CacheTree } from './cache-tree.ts'
import { sumContents } from './check-contents.ts'
import { checkTree } from './check-tree.ts'
import { containerFailure, type FinishedDownload, runDownload, type DownloadRequest } from './download-container.ts'
import { type CachedProfile, explainMissing, profilesOf } from './missing.ts'
import { type CachedModel, describeModels } from './models.ts'
import { openModes } from './open-modes.ts'
import { type Blake3Sums, readOwnSums, writeOwnSums } from './own-sums.ts'
import { makeScratch, prepareCacheDirectory, removeScratch } from './prepare-directory.ts'
import { readCacheRecord } from './record.ts'
import { scanCacheTree } from './scan.ts'
import { recordCache } from './write-record.ts'

export interface BuildCacheRequest extends Omit<DownloadRequest, 'directory' | 'run' | 'scratch' | 'labels'> {
  image: NimImage
  /** The image's, read beforehand; without profiles for images that have none. */
  manifest: ModelManifest
  directory: string
  download: Download
  /** Asked before the start, for sizes that the manifest does not tell. */
  askSizes?: AskSizes | undefined
  /** Holds the directory for one run on this host. */
  lockFile: string
  /** Names nimctl in the record, such as `nimctl/1.2.0`. */
  tool: string
}

export interface CacheResult {
  /** Everything that was asked for is there, and nothing was found damaged. */
  ok: boolean
  dir: string
  image: string
  imageDigest: string
  family: NimFamily
  profiles: CachedProfile[]
  models: CachedModel[]
  /** Regular files; links don't count. */
  files: number
  bytes: number
  /** What failed: missing profiles and files, links that lead nowhere, files of other content. */
  checks: Check[]
  warnings: string[]
}

interface BuildContext {
  engine: ContainerEngine
  signal: AbortSignal
  report: Report
}

type Warn = (code: string, message: string) => void

/**
 * Fills a directory by the image's own means, then looks at the disk: exit 0 of the container proves nothing. A second
 * run goes on where the first stopped, whether it failed, was aborted, was killed or asked for other profiles. What is
 * there afterwards is noted in `DIR/.nimctl/`.
 *
 * @throws NimctlError `usage` / `DIRECTORY_OF_ANOTHER_FORM`; `local` / `LOCK_HELD`, `DIRECTORY_NOT_WRITABLE`,
 * `DISK_FULL`, `OUT_OF_MEMORY`; the cause that the log tells (nim/symptoms.ts); else `check-failed` /
 * `CONTAINER_FAILED`; and what the engine throws.
 */
export async function buildCache(request: BuildCacheRequest, context: BuildContext): Promise<CacheResult> {
  const directory = resolve(request.directory)
  const lock = { path: request.lockFile, what: directory }
  return await withLocks([lock], () => buildLocked({ ...request, directory }, context))
}

async function buildLocked(request: BuildCacheRequest, context: BuildContext): Promise<CacheResult> {
  const { image, directory, download } = request
  const warnings: string[] = []
  const warn: Warn = (code, message) => {
    warnings.push(message)
    context.report({ event: 'warning', code, message })
  }
  await prepareCacheDirectory(request, () => bytesNeeded(request), warn)
  for (const message of notesOnProfiles(request)) warn('SLOW_FIRST_START', message)
  const former = await readCacheRecord(directory)
  refuseAnotherForm(former, request)

  const finished = (await isWholeStore(former, request)) ? undefined : await runAll(request, context)
  const closed = await openModes(directory)
  if (closed.length > 0) warn('NOT_READABLE_BY_OTHERS', notReadable(closed, directory))

  const tree = await scanCacheTree(directory)
  const { checks, sums } = await checkResult(tree, request, { former, signal: context.signal, report: context.report })
  const lines = finished?.lines ?? []
  const profiles = profilesOf(request, { tree, lines })
  explainMissing(profiles, { checks, lines, engine: context.engine, warn })
  if (download.form === 'hub' && request.manifest.schemaVersion === 1) {
    warn(
      'PRESENCE_BY_FILE_NAMES',
      'The manifest of this image names no versions: present means that one snapshot has all files by name.',
    )
  }
  const failed = checks.filter(({ status }) => status === 'failed')
  await mkdir(join(directory, '.nimctl'), { recursive: true })
  if (download.form !== 'hub') await writeOwnSums(directory, sums)
  await recordCache(directory, { ...request, former, tree, checks }, warn)
  const ok = failed.length === 0 && profiles.every(({ present }) => present)
  if (ok) await removeScratch(directory, warn)
  const files = tree.entries.filter(entry => entry.type === 'file')
  return {
    ok,
    dir: directory,
    image: image.reference,
    imageDigest: image.digest,
    family: image.family,
    profiles,
    models: describeModels(tree, download.form, sourcesOf(download)[0] ?? image.reference),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    checks: failed,
    warnings,
  }
}

async function bytesNeeded(request: BuildCacheRequest): Promise<number | undefined> {
  const { directory, download, manifest, askSizes } = request
  if (await isWholeStore(await readCacheRecord(directory), request)) return 0
  return await bytesToCome(download, { manifest, tree: await scanCacheTree(directory), askSizes })
}

/** Trees of different forms, or two models as plain files, cannot be told apart again. */
function refuseAnotherForm(former: CacheRecord | undefined, { directory, download }: BuildCacheRequest): void {
  if (former === undefined) return
  const [source] = sourcesOf(download)
  const sameForm = (former.form ?? 'hub') === download.form
  const many = download.form === 'hub' || download.form === 'native'
  if (sameForm && (many || former.sources?.[0] === undefined || former.sources[0] === source)) return
  throw new NimctlError('usage', 'DIRECTORY_OF_ANOTHER_FORM', {
    what: `${directory} was filled in another way before.`,
    why: `It holds the form ${former.form ?? 'hub'}${former.sources?.length ? ` of ${former.sources.join(', ')}` : ''} from ${former.image}; asked for is the form ${download.form}${source === undefined ? '' : ` of ${source}`}.`,
    next: 'Give each a directory of its own.',
  })
}

/** What `create-model-store` copied from is gone, so a second run would download all of it again. */
async function isWholeStore(
  former: CacheRecord | undefined,
  { image, directory, download, manifest }: BuildCacheRequest,
): Promise<boolean> {
  if (download.form !== 'flat' && download.form !== 'endpoint') return false
  if (former?.imageDigest !== image.digest) return false
  const ownSums = await readOwnSums(directory)
  const profiles = manifest.profiles.filter(({ id }) => download.form === 'flat' && id === download.profileId)
  const checks = await checkTree(await scanCacheTree(directory), { form: download.form, profiles, ownSums })
  return ownSums.size > 0 && checks.every(({ status }) => status !== 'failed')
}

/** Section 7 of reference/nim.md: Riva builds the engines of such profiles at their first start, also without network. */
function notesOnProfiles({ download, manifest }: BuildCacheRequest): string[] {
  const asked = new Set(askedIds(download, manifest))
  return manifest.profiles
    .filter(({ id, tags }) => asked.has(id) && tags['model_type'] === 'rmir')
    .map(
      ({ id }) =>
        `Profile ${id} is of type rmir: its first start takes 40 to 60 minutes. A prebuilt one starts at once.`,
    )
}

/** Containers that a killed nimctl left in this directory are ended first: two would write to the same files. */
async function runAll(request: BuildCacheRequest, context: BuildContext): Promise<FinishedDownload> {
  const { image, directory, download } = request
  const label = { name: 'dev.nimctl.cache', value: directoryLabel(directory) }
  await context.engine.endContainers(label)
  const runs = downloadRuns(image.family, download)
  let finished: FinishedDownload = { exitCode: 0, outOfMemory: false, lines: [] }
  for (const run of runs) {
    finished = await runOne(request, { run, labels: { [label.name]: label.value } }, context)
    if (finished.exitCode !== 0) throw containerFailure(image, finished)
  }
  return finished
}

async function runOne(
  request: BuildCacheRequest,
  { run, labels }: { run: DownloadRun; labels: Record<string, string> },
  context: BuildContext,
): Promise<FinishedDownload> {
  const scratch = run.scratch === undefined ? undefined : await makeScratch(request.directory, request.user)
  return await runDownload({ ...request, run, labels, ...(scratch !== undefined && { scratch }) }, context)
}

/** An engine may serve several hosts, on which the same path is another directory. */
function directoryLabel(directory: string): string {
  return createHash('sha256').update(`${hostname()} ${directory}`).digest('hex').slice(0, 32)
}

const filesReadAtOnce = 4

/**
 * Hub trees are looked at without reading them: their blobs say what they are, for `validate cache --deep`. What else
 * there is has only the checksums that are made here, so it is read; a file that had another one before is damaged.
 */
async function checkResult(
  tree: CacheTree,
  { directory, download, manifest, image }: BuildCacheRequest,
  { former, signal, report }: { former: CacheRecord | undefined; signal: AbortSignal; report: Report },
): Promise<{ checks: Check[]; sums: Blake3Sums }> {
  const { form } = download
  const noted = former?.imageDigest === image.digest ? await readOwnSums(directory) : new Map<string, string>()
  const asked = new Set(askedIds(download, manifest))
  const profiles = manifest.profiles.filter(({ id }) => asked.has(id))
  const checks = await checkTree(tree, { form, profiles, ownSums: noted })
  if (form === 'hub') return { checks, sums: noted }
  const read = await sumContents(tree, { ownSums: noted, concurrency: filesReadAtOnce, signal, report })
  const damaged = read.checks.filter(({ status }) => status === 'failed').flatMap(({ path }) => path ?? [])
  // Of what is damaged the old checksum stays, until the file is what it was.
  const sums = new Map(
    [...read.sums].map(([path, sum]) => [path, damaged.includes(path) ? (noted.get(path) ?? sum) : sum]),
  )
  return { checks: [...checks, ...read.checks], sums }
}

function notReadable(closed: readonly string[], directory: string): string {
  return `${closed.length} files belong to another user and may be unreadable for the pod that serves them, such as ${closed[0]}: sudo chmod -R a+rX ${directory}`
}
