import type { ClaimPlace } from '../../cache/build-by-job.ts'
import type { CacheResult } from '../../cache/build.ts'
import type { PulledImage } from '../../image/inspect-by-job.ts'
import type { Cluster, JobObject } from '../../kubernetes/cluster.ts'
import type { Download } from '../../nim/downloads.ts'
import type { ProfilesWithManifest } from '../../profiles/listing-file.ts'
import type { ProfileListing } from '../../profiles/listing.ts'
import type { ModelManifest } from '../../profiles/model-manifest.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Report } from '../../system/progress.ts'
import type { Context } from '../context.ts'
import type { GlobalFlags } from '../program.ts'
import { toolName } from '../settings.ts'
import { type ClusterFlags, openFlaggedCluster, podEnvironment, podSettings } from './cluster.ts'
import type { EngineFlags } from './engine.ts'

export interface ClusterJobFlags extends ClusterFlags, EngineFlags, GlobalFlags {
  dryRun?: true
}

interface ImageInCluster {
  cluster: Cluster
  image: PulledImage
  manifest: ModelManifest | undefined
}

/** What an image is, as the cluster pulls it. Nothing of it has to be on this machine. */
async function inspectInCluster(name: string, flags: ClusterJobFlags, context: Context): Promise<ImageInCluster> {
  const { inspectByJob } = await import('../../image/inspect-by-job.ts')
  const { parseModelManifest } = await import('../../profiles/manifest.ts')
  const cluster = await openFlaggedCluster(flags, context)
  const { signal, report } = context
  const settings = podSettings(flags)
  const stuckMs = flags.podRunningTimeout
  const image = await inspectByJob({ cluster, image: name, settings }, { signal, report, stuckMs })
  return { cluster, image, manifest: image.manifest && parseModelManifest(image.manifest.text) }
}

/** Asks a node of the cluster what it can run of an image. */
export async function listInCluster(
  name: string,
  flags: ClusterJobFlags,
  context: Context,
): Promise<ProfilesWithManifest> {
  const found = await inspectInCluster(name, flags, context)
  const { manifest } = found
  return { listing: await listIn(found, flags, context), ...(manifest !== undefined && { manifest }) }
}

async function listIn(
  { cluster, image, manifest }: ImageInCluster,
  flags: ClusterJobFlags,
  context: Context,
): Promise<ProfileListing> {
  const { listByJob } = await import('../../profiles/job-source.ts')
  return await listByJob(
    {
      cluster,
      image: image.reference,
      family: image.family,
      settings: podSettings(flags),
      env: podEnvironment(flags, context),
      stuckMs: flags.podRunningTimeout,
      ...(manifest !== undefined && { manifest }),
    },
    { signal: context.signal, report: withoutLogs(context, flags) },
  )
}

/** The list is the result; how the container printed it is for those who look for a fault. */
export function withoutLogs({ report }: Context, { verbose, progress }: GlobalFlags): Report {
  if (verbose === true || progress === 'json') return report
  return event => {
    if (event.event !== 'log') report(event)
  }
}

/** Says what of an image is to be downloaded, once the image is known. */
type Decide = (
  image: PulledImage,
  from: { manifest: ModelManifest; list: () => Promise<ProfileListing> },
) => Promise<Download>

interface CacheInCluster {
  name: string
  place: ClaimPlace
  flags: ClusterJobFlags & { checkImage?: string }
  context: Context
}

/** Fills a PersistentVolumeClaim of the cluster. */
export async function cacheInCluster(
  { name, place, flags, context }: CacheInCluster,
  decide: Decide,
): Promise<CacheResult> {
  const { buildCacheByJob } = await import('../../cache/build-by-job.ts')
  const found = await inspectInCluster(name, flags, context)
  const { cluster, image, manifest = { schemaVersion: 1, profiles: [] } } = found
  const download = await decide(image, { manifest, list: () => listIn(found, flags, context) })
  return await buildCacheByJob(
    {
      cluster,
      image,
      manifest,
      place,
      download,
      settings: podSettings(flags),
      env: podEnvironment(flags, context),
      stuckMs: flags.podRunningTimeout,
      ...(flags.checkImage !== undefined && { checkImage: flags.checkImage }),
    },
    context,
  )
}

/** Prints the Job of `profiles`, as it is sent for an image of the usual kind. No cluster is asked. */
export async function printListJob(image: string, flags: ClusterJobFlags, context: Context): Promise<void> {
  const { listJob } = await import('../../profiles/job-source.ts')
  const { listUtilities } = await import('../../nim/families.ts')
  const request = { image, family: 'llm' as const, settings: podSettings(flags), env: podEnvironment(flags, context) }
  const job = listJob({ ...request, ...namespaceOf(flags) }, listUtilities('llm')[0] ?? { command: [] })
  await printJob(job, { flags, context, prerequisites: secretsOf(flags) })
}

/** Prints the Job of `cache`. No cluster is asked, so what is to be downloaded has to be named as it is. */
export async function printCacheJob(
  { name, place, flags, context }: CacheInCluster,
  download: Download,
): Promise<void> {
  const { cacheJob } = await import('../../cache/build-by-job.ts')
  const { downloadRuns } = await import('../../nim/downloads.ts')
  const [run] = downloadRuns('llm', download)
  if (run === undefined) throw new Error('A download has no container.')
  const job = cacheJob(
    {
      image: name,
      run,
      place,
      settings: podSettings(flags),
      env: podEnvironment(flags, context),
      ...namespaceOf(flags),
      ...(flags.checkImage !== undefined && { checkImage: flags.checkImage }),
    },
    run.utilities[0] ?? { command: [] },
  )
  const claim = `PersistentVolumeClaim ${place.claim}, with room for the profiles`
  await printJob(job, { flags, context, prerequisites: [claim, ...secretsOf(flags)] })
}

function namespaceOf({ namespace }: ClusterFlags): { namespace?: string } {
  return namespace === undefined ? {} : { namespace }
}

function secretsOf({ pullSecret, ngcSecret }: ClusterFlags): string[] {
  return [
    ...(pullSecret === undefined ? [] : [`Secret ${pullSecret} of type docker-registry, for the image's registry`]),
    ...(ngcSecret === undefined ? [] : [`Secret ${ngcSecret.name} with the NGC key under ${ngcSecret.key}`]),
  ]
}

async function printJob(
  job: JobObject,
  { flags, context, prerequisites }: { flags: ClusterFlags; context: Context; prerequisites: string[] },
): Promise<void> {
  const { renderYaml } = await import('../../emit/yaml.ts')
  const { imagesOf } = await import('../../emit/images.ts')
  const { emitted } = await import('../../emit/result.ts')
  const result = emitted({ objects: [job], prerequisites })
  const images = imagesOf(result.objects)
  context.print('EmitResult', { ok: true, ...result, images, comments: undefined }, () =>
    flags.output === 'json' ? JSON.stringify(job, undefined, 2) : renderYaml(result, `Made by ${toolName()}`).trimEnd(),
  )
}

/** `pvc://CLAIM/PATH`, as KServe writes it. @throws NimctlError `usage` / `CLAIM_INVALID`. */
export function parseClaimPlace(text: string): ClaimPlace {
  const [, claim, path = ''] = /^pvc:\/\/([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?:\/(.*))?$/.exec(text) ?? []
  const parts = path.split('/').filter(part => part !== '')
  if (claim !== undefined && !parts.includes('..')) return { claim, path: parts.join('/') }
  throw new NimctlError('usage', 'CLAIM_INVALID', {
    what: `"${text}" names no place in a cluster.`,
    why: 'A pod cannot see a directory of this machine.',
    next: 'Name a PersistentVolumeClaim, and a path in it if you like: pvc://CLAIM/PATH',
  })
}
