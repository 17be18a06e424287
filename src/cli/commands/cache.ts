import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { Command, Option } from 'commander'

import { askedIds, sourcesOf } from '../../cache/asked.ts'
import type { AskSizes } from '../../cache/bytes-to-come.ts'
import type { NimImage, PullPolicy } from '../../image/inspect.ts'
import type { Download } from '../../nim/downloads.ts'
import { needsGpuToDownload } from '../../nim/families.ts'
import type { ProfileChoice } from '../../profiles/choice.ts'
import type { ProfileListing } from '../../profiles/listing.ts'
import type { ModelManifest } from '../../profiles/model-manifest.ts'
import type { ContainerEngine } from '../../system/container-engine.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { addChoiceOptions, isChosen, readChoice, type ChoiceFlags } from '../options/choice.ts'
import { addClusterOptions, refuseFlagsOfOtherPlace, type ClusterFlags } from '../options/cluster.ts'
import { networkEnvironment, warnOfLoopbackProxy } from '../options/container-network.ts'
import { addDownloadOptions, decideDownload, type DownloadFlags, readModelFlags } from '../options/download.ts'
import { addContainerOptions, containerSettings, openHostEngine, type EngineFlags } from '../options/engine.ts'
import type { HostQuestion } from '../options/host-listing.ts'
import { addRegistryOptions, lookIntoImage, type RegistryFlags } from '../options/image.ts'
import { readInput } from '../options/input.ts'
import { sizeQuestion } from '../options/ngc.ts'
import { findLogin } from '../options/registry.ts'
import type { GlobalFlags } from '../program.ts'
import { renderCachePlan, renderCacheResult } from '../render/cache.ts'
import { ngcKey, stateDirectory, toolName } from '../settings.ts'

interface CacheFlags extends EngineFlags, ClusterFlags, ChoiceFlags, DownloadFlags, RegistryFlags, GlobalFlags {
  profilesFrom?: string
  user?: string
  pull: PullPolicy
  dryRun?: true
  checkImage?: string
}

export function cacheCommand(context: Context): Command {
  const command = new Command('cache')
    .description(
      "Downloads models by the image's own means in a container, then looks at the disk whether all that was asked for is\n" +
        'there. NGC_API_KEY and the proxy are handed on from the environment, and SSL_CERT_FILE as a mounted file.\n' +
        'The same command goes on after any interruption.',
    )
    .argument('<image>', 'a NIM image')
    .argument('<directory>', 'made if it does not exist; with --on kubernetes a claim: pvc://CLAIM/PATH')
    .option('--all', 'every profile that the image offers; of a native image its usual model')
    .option('--profiles-from <file>', 'the chosen ones of nimctl profiles --json; - reads standard input')
    .option('--user <uid:gid>', "who writes in the container; image: the image's own user (default: you)")
    .addOption(
      new Option('--pull <when>', 'get the image from its registry')
        .choices(['missing', 'always', 'never'])
        .default('missing'),
    )
    .option('--check-image <image>', 'with --on kubernetes: lists the files for images without a shell')
    .option('--dry-run', 'say what would be downloaded, with --on kubernetes print the Job; change nothing')
    .addHelpText('after', examples)
    .action((image: string, directory: string, flags: CacheFlags) => fillCache(image, directory, { flags, context }))
  return addClusterOptions(addRegistryOptions(addContainerOptions(addDownloadOptions(addChoiceOptions(command)))))
}

const examples = `
Examples:
  nimctl cache nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 ./cache --profile 0494aafc
  nimctl cache IMAGE ./cache --gpu L40S --tp 2 --dry-run
  nimctl cache IMAGE ./cache --profiles-from profiles.json --gpus all
  nimctl cache IMAGE ./cache --all
  nimctl cache IMAGE ./store --profile 0494aafc --flat
  nimctl cache IMAGE ./cache --model-name nvidia/page-elements-v3 --model-name nvidia/table-structure-v1
  nimctl cache IMAGE ./cache --model-uri hf://meta-llama/Llama-3.1-8B-Instruct
  nimctl cache IMAGE pvc://model-cache/llama --on kubernetes -n nim --profile 0494aafc --ngc-secret nvidia-nim-secrets`

async function fillCache(
  name: string,
  directory: string,
  { flags, context }: { flags: CacheFlags; context: Context },
): Promise<void> {
  refuseFlagsOfOtherPlace(flags)
  if (flags.on === 'kubernetes') return await fillClaim(name, directory, { flags, context })
  const { buildCache } = await import('../../cache/build.ts')
  const { refuseEngineElsewhere } = await import('../../cache/engine-elsewhere.ts')
  const { parseModelManifest } = await import('../../profiles/manifest.ts')
  const { signal, report } = context
  const { named, readProfiles } = await prepareDownload(flags, context)
  const engine = await openHostEngine(context)
  refuseEngineElsewhere(engine, directory)
  const image = await readImage(name, { engine, flags, context })
  const manifest: ModelManifest =
    image.manifest === undefined ? { schemaVersion: 1, profiles: [] } : parseModelManifest(image.manifest.text)
  const list = () => listHost({ engine, image, manifest, flags, context })
  const download = await decideDownload(image, {
    flags,
    named,
    readProfiles: () => readProfiles(image, { manifest, list }),
  })
  const { env } = containerSettings(flags, context)
  const askSizes = sizeQuestion(flags, env, context)
  if (flags.dryRun === true) {
    await printPlan({ image, directory, download, manifest, askSizes }, context)
    return
  }
  warnOfLoopbackProxy(context, flags.network)
  const key = ngcKey(context.env)
  const caBundle = context.env.SSL_CERT_FILE
  const settings = containerSettings(withDefaultGpus(flags, { image, manifest, context }), context)
  const result = await buildCache(
    {
      image,
      manifest,
      directory,
      download,
      askSizes,
      lockFile: lockFileOf(directory, context),
      tool: toolName(),
      ...(key !== undefined && { key }),
      ...(caBundle && { caBundle: resolve(caBundle) }),
      ...(flags.user !== undefined && { user: flags.user }),
      ...settings,
      env: { ...networkEnvironment(context, { fromHub: download.form === 'uri' }), ...settings.env },
    },
    { engine, signal, report },
  )
  context.print('CacheResult', result, () => renderCacheResult(result))
}

/** A plan pulls nothing: what the engine does not have is read in its registry, unless a host is to be asked about it. */
async function readImage(
  name: string,
  { engine, flags, context }: { engine: ContainerEngine; flags: CacheFlags; context: Context },
): Promise<NimImage> {
  const { inspectImage } = await import('../../image/inspect.ts')
  const { parseImageReference } = await import('../../image/reference.ts')
  const { signal, report } = context
  const planned = flags.dryRun === true && flags.pull !== 'never' && flags.section === undefined
  if (planned && parseImageReference(name).transport === 'docker') return await lookIntoImage(name, flags, context)
  return await inspectImage(engine, name, {
    signal,
    report,
    pull: flags.pull,
    findCredentials: registry => findLogin(registry, context),
  })
}

async function printPlan(request: PlanRequest, context: Context): Promise<void> {
  const { image, directory, download, manifest, askSizes } = request
  const { bytesToCome } = await import('../../cache/bytes-to-come.ts')
  const { scanCacheTree } = await import('../../cache/scan.ts')
  const tree = existsSync(directory) ? await scanCacheTree(directory) : { entries: [] }
  const bytes = await bytesToCome(download, { manifest, tree, askSizes })
  const plan = {
    ok: true,
    dir: directory,
    image: image.reference,
    imageDigest: image.digest,
    form: download.form,
    profiles: askedIds(download, manifest),
    models: download.form === 'flat' ? [] : sourcesOf(download),
    ...(bytes !== undefined && { bytes }),
  }
  context.print('CachePlan', plan, () => renderCachePlan(plan))
}

interface PlanRequest {
  image: NimImage
  directory: string
  download: Download
  manifest: ModelManifest
  askSizes: AskSizes | undefined
}

/** None by default: downloading takes no GPU, but for the images that import the engine for it. */
function withDefaultGpus(
  flags: CacheFlags,
  { image, manifest, context }: { image: NimImage; manifest: ModelManifest; context: Context },
): CacheFlags {
  const version = manifest.profiles[0]?.release ?? /:([^:/@]+)(?:@.*)?$/.exec(image.reference)?.[1]
  if (flags.gpus !== undefined || !needsGpuToDownload(image.family, version)) return flags
  context.report({
    event: 'warning',
    code: 'GPUS_ASKED_FOR',
    message: `LLM NIM ${version} finds its models only with a GPU, so the container gets --gpus all. --gpus none leaves them off.`,
  })
  return { ...flags, gpus: 'all' }
}

function lockFileOf(directory: string, context: Context): string {
  const name = createHash('sha256').update(resolve(directory)).digest('hex').slice(0, 32)
  return join(stateDirectory(context.env), 'caches', `${name}.lock`)
}

async function listHost(question: HostQuestion): Promise<ProfileListing> {
  const { listImageOn } = await import('../options/host-listing.ts')
  return await listImageOn(question)
}

async function fillClaim(
  name: string,
  directory: string,
  { flags, context }: { flags: CacheFlags; context: Context },
): Promise<void> {
  const { cacheInCluster, parseClaimPlace, printCacheJob } = await import('../options/cluster-jobs.ts')
  const job = { name, place: parseClaimPlace(directory), flags, context }
  const { named, readProfiles } = await prepareDownload(flags, context)
  if (flags.dryRun === true) return await printCacheJob(job, named ?? (await nameDownload(flags, context)))
  const result = await cacheInCluster(job, (image, from) =>
    decideDownload(image, { flags, named, readProfiles: () => readProfiles(image, from) }),
  )
  context.print('CacheResult', result, () => renderCacheResult(result))
}

interface PreparedDownload {
  /** What the flags say by themselves. */
  named: Download | undefined
  readProfiles: ReadProfiles
}

async function prepareDownload(flags: CacheFlags, context: Context): Promise<PreparedDownload> {
  const choice = await readChoice(flags, context)
  const named = readModelFlags(flags, isChosen(choice) || flags.profilesFrom !== undefined)
  const readProfiles = named === undefined ? await prepareChoice(flags, { choice, context }) : async () => []
  return { named, readProfiles }
}

async function nameDownload(flags: CacheFlags, context: Context): Promise<Download> {
  const profileIds = await namedProfiles(flags, context)
  const [profileId, second] = profileIds === 'all' ? [] : profileIds
  if (flags.flat !== true || profileId === undefined || second !== undefined) return { form: 'hub', profileIds }
  return { form: 'flat', profileId }
}

/** What is named so that nobody has to be asked. */
async function namedProfiles(
  { all, profile, profilesFrom }: ChoiceFlags & { profilesFrom?: string },
  context: Context,
): Promise<readonly string[] | 'all'> {
  const { isProfileId } = await import('../../profiles/profile-id.ts')
  if (all === true) return 'all'
  if (profile?.every(isProfileId) === true) return profile
  if (profilesFrom !== undefined) {
    const { readListingFile } = await import('../../profiles/listing-file.ts')
    return idsOf(readListingFile(await readInput(profilesFrom, context)))
  }
  throw new NimctlError('usage', 'PROFILES_NOT_NAMED', {
    what: 'Without the cluster nobody says which profiles these flags choose.',
    next: 'With --dry-run give whole ids with --profile, or --profiles-from FILE, or --all.',
  })
}

type ReadProfiles = (
  image: Pick<NimImage, 'reference' | 'digest'>,
  from: { manifest: ModelManifest; list: () => Promise<ProfileListing> },
) => Promise<readonly string[] | 'all'>

/** What is wrong with the flags alone is said before the engine is asked for anything. */
async function prepareChoice(
  flags: CacheFlags,
  { choice, context }: { choice: ProfileChoice; context: Context },
): Promise<ReadProfiles> {
  const { profilesFrom } = flags
  if (profilesFrom !== undefined) {
    if (isChosen(choice)) throw conflict()
    const { readListingFile } = await import('../../profiles/listing-file.ts')
    const saved = readListingFile(await readInput(profilesFrom, context))
    return async image => chosenFrom(saved, image, profilesFrom)
  }
  if (!isChosen(choice)) throw choiceRequired()
  if (choice.all === true) return async () => 'all'
  const { selectProfiles } = await import('../../profiles/select.ts')
  const { listManifest } = await import('../../profiles/manifest-listing.ts')
  if (choice.sections === undefined) {
    return async (_image, { manifest }) => idsOf(selectProfiles(listManifest(manifest), choice))
  }
  // Where a profile stands only a host can say: it is asked.
  return async (_image, { list }) => idsOf(selectProfiles(await list(), choice))
}

/** Profile ids change with every image tag, so a list of another image is no list of this one. */
function chosenFrom(
  saved: ProfileListing,
  image: Pick<NimImage, 'reference' | 'digest'>,
  file: string,
): readonly string[] {
  if (saved.imageDigest !== undefined && saved.imageDigest !== image.digest) {
    throw new NimctlError('usage', 'PROFILES_OF_ANOTHER_IMAGE', {
      what: `${file} lists the profiles of another image.`,
      why: `It says ${saved.imageDigest}; ${image.reference} is ${image.digest}.`,
      next: `List them anew: nimctl profiles ${image.reference} --json`,
    })
  }
  return idsOf(saved)
}

function idsOf({ profiles }: ProfileListing): string[] {
  return profiles.filter(({ selected }) => selected).map(({ id }) => id)
}

function conflict(): NimctlError {
  return new NimctlError('usage', 'PROFILE_CHOICE_CONFLICT', {
    what: '--profiles-from and choosing flags exclude each other.',
    next: 'Choose when you list: nimctl profiles IMAGE --profile … --json',
  })
}

function choiceRequired(): NimctlError {
  return new NimctlError('usage', 'PROFILE_CHOICE_REQUIRED', {
    what: 'Say which profiles to download.',
    why: 'All of them are often hundreds of gigabytes.',
    next: 'Give --profile ID, other choosing flags, --profiles-from FILE, or --all. What there is: nimctl profiles IMAGE',
  })
}
