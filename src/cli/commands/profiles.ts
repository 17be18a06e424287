import { Command } from 'commander'

import type { ProfileChoice } from '../../profiles/choice.ts'
import type { ProfilesWithManifest } from '../../profiles/listing-file.ts'
import type { ProfileListing } from '../../profiles/listing.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { addChoiceOptions, readChoice, type ChoiceFlags } from '../options/choice.ts'
import { addClusterOptions, refuseFlagsOfOtherPlace, type ClusterFlags } from '../options/cluster.ts'
import { addContainerOptions, openHostEngine, type EngineFlags } from '../options/engine.ts'
import { addRegistryOptions, describeImage, listFromManifest } from '../options/image.ts'
import { readInput } from '../options/input.ts'
import { addStoreOptions } from '../options/store.ts'
import type { WeighFlags } from '../options/weigh.ts'
import type { GlobalFlags } from '../program.ts'

interface ProfilesFlags extends EngineFlags, ClusterFlags, ChoiceFlags, WeighFlags, GlobalFlags {
  file?: string
  dryRun?: true
  ids?: true
  explain?: true
}

export function profilesCommand(context: Context): Command {
  const command = new Command('profiles')
    .description(
      'Reads the model manifest out of an image, in the engine or in its registry: no GPU, no pull, nothing runs.\n' +
        'With --on docker the image is asked on this host, with --on kubernetes on a node of a cluster:\n' +
        'that says what its GPUs can run.',
    )
    .argument('[image]', 'a NIM image, also oci:DIR:NAME, oci-archive:FILE, docker-archive:FILE')
    .option(
      '--file <file>',
      'saved output of list-model-profiles, a model_manifest.yaml, or saved --json; - reads standard input',
    )
    .option('--new-to <dir|url>', 'say which files a directory or store does not hold yet')
    .option('--sizes', 'ask NGC how many bytes the chosen ones have, with the key of NGC_API_KEY')
    .option('--ids', 'print only the ids of the chosen ones, one a line')
    .option('--explain', 'say why each one was chosen or not')
    .option('--dry-run', 'with --on kubernetes: print the Job and change nothing')
    .addHelpText('after', examples)
    .action((image: string | undefined, flags: ProfilesFlags) => listProfiles(image, flags, context))
  return addClusterOptions(addStoreOptions(addRegistryOptions(addContainerOptions(addChoiceOptions(command)))))
}

const examples = `
Examples:
  nimctl profiles nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4
  nimctl profiles nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 --on docker --gpus all --section runnable
  nimctl profiles registry.internal/nim/meta/llama:1.8.4 --on kubernetes -n nim --gpus 1 --ngc-secret nvidia-nim-secrets
  nimctl profiles oci-archive:images.tar:1.8.4
  nimctl profiles --file list-output.txt --gpu L40S --tp 2 --ids
  nimctl profiles IMAGE --engine vllm --new-to s3://models/llama
  nimctl profiles IMAGE --gpu L40S --sizes
  nimctl profiles --file model_manifest.yaml --spec nimcache.yaml --node-gpu NVIDIA-L40S --explain
  nimctl profiles IMAGE --engine vllm --json > profiles.json     # for: nimctl cache --profiles-from profiles.json`

async function listProfiles(image: string | undefined, flags: ProfilesFlags, context: Context): Promise<void> {
  if ((image === undefined) === (flags.file === undefined)) {
    throw new NimctlError('usage', 'PROFILES_SOURCE', {
      what: 'Say whose profiles, in one way.',
      next: 'Give an IMAGE, or --file FILE with what was saved.',
    })
  }
  refuseIdleFlags(flags)
  refuseFlagsOfOtherPlace(flags)
  if (await printedOnly(image, flags, context)) return
  const choice = await readChoice(flags, context)
  const read =
    image === undefined
      ? await readFileListing(flags.file ?? '', context)
      : await readImageListing(image, flags, context)
  const { weighListing } = await import('../options/weigh.ts')
  const listing = await weighListing(await choose(read.listing, choice), read.manifest, { flags, context })
  const warnings = [...listing.warnings, ...(await hardwareWarnings(listing, choice))]
  for (const message of warnings) context.report({ event: 'warning', code: 'PROFILES', message })
  const { renderProfiles } = await import('../render/profile-table.ts')
  const chosen = listing.profiles.filter(({ selected }) => selected)
  context.print('ProfileListing', { ok: chosen.length > 0, ...listing, warnings }, () =>
    flags.ids === true
      ? chosen.map(({ id }) => id).join('\n')
      : renderProfiles(listing, { explain: flags.explain === true, newTo: flags.newTo }),
  )
}

/** That the NIM Operator would choose none is an answer too: exit 3. */
async function choose(listing: ProfileListing, choice: ProfileChoice): Promise<ProfileListing> {
  const { selectProfiles } = await import('../../profiles/select.ts')
  const { selectBySpec } = await import('../../profiles/select-by-spec.ts')
  return choice.spec === undefined ? selectProfiles(listing, choice) : selectBySpec(listing, choice.spec)
}

async function hardwareWarnings({ gpus, profiles }: ProfileListing, choice: ProfileChoice): Promise<string[]> {
  const { checkHardware } = await import('../../profiles/hardware.ts')
  const products = choice.spec?.model.gpus?.flatMap(({ product = '' }) => product) ?? []
  const asked = choice.gpus?.map(({ product }) => product) ?? []
  const names = [...gpus.map(({ name }) => name), ...asked, ...products, ...(choice.spec?.nodeGpus ?? [])]
  return checkHardware(profiles, names)
}

/** Without a cluster there is nothing that would change. */
async function printedOnly(image: string | undefined, flags: ProfilesFlags, context: Context): Promise<boolean> {
  if (flags.dryRun !== true) return false
  if (flags.on !== 'kubernetes' || image === undefined) {
    throw new NimctlError('usage', 'NOTHING_TO_PRINT', {
      what: '--dry-run prints the Job of --on kubernetes; without it, nothing is changed anyway.',
      next: 'Leave it out, or add --on kubernetes.',
    })
  }
  const { printListJob } = await import('../options/cluster-jobs.ts')
  await printListJob(image, flags, context)
  return true
}

/** Without a container there is nothing that they could act on. */
function refuseIdleFlags({ on, gpus, runtime, shmSize, network, env }: ProfilesFlags): void {
  const given = Object.entries({
    '--gpus': gpus,
    '--runtime': runtime,
    '--shm-size': shmSize,
    '--network': network,
    '--env': env,
  })
  const idle = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  if (on !== undefined || idle.length === 0) return
  throw new NimctlError('usage', 'CONTAINER_FLAGS_IDLE', {
    what: `${idle.join(', ')} only matter when a container runs.`,
    next: 'Add --on docker, which asks the image on this host, or --on kubernetes, or leave them out.',
  })
}

async function readFileListing(file: string, context: Context): Promise<ProfilesWithManifest> {
  const { readProfilesFile } = await import('../../profiles/listing-file.ts')
  return readProfilesFile(await readInput(file, context))
}

async function readImageListing(name: string, flags: ProfilesFlags, context: Context): Promise<ProfilesWithManifest> {
  if (flags.on === undefined) return await listFromManifest(name, flags, context)
  if (flags.on === 'kubernetes') {
    const { listInCluster } = await import('../options/cluster-jobs.ts')
    return await listInCluster(name, flags, context)
  }
  const { inspectImage } = await import('../../image/inspect.ts')
  const { parseModelManifest } = await import('../../profiles/manifest.ts')
  const { signal, report } = context
  const engine = await openHostEngine(context)
  const image = await inspectImage(engine, name, { signal, report })
  const manifest = image.manifest === undefined ? undefined : parseModelManifest(image.manifest.text)
  const { listImageOn } = await import('../options/host-listing.ts')
  const listing = await listImageOn({ engine, image, manifest, flags, context })
  return { listing: { ...listing, ...(await describeImage(image)) }, manifest }
}
