import { Command } from 'commander'

import type { ListedProfile, ProfileListing } from '../../profiles/listing.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { addChoiceOptions, readChoice, type ChoiceFlags } from '../options/choice.ts'
import { addContainerOptions, openHostEngine, type EngineFlags } from '../options/engine.ts'
import { addRegistryOptions, describeImage, listFromManifest, type RegistryFlags } from '../options/image.ts'
import { readInput } from '../options/input.ts'
import type { GlobalFlags } from '../program.ts'
import { formatBytes } from '../render/format.ts'

interface ProfilesFlags extends EngineFlags, ChoiceFlags, RegistryFlags, GlobalFlags {
  file?: string
  ids?: true
  explain?: true
}

export function profilesCommand(context: Context): Command {
  const command = new Command('profiles')
    .description(
      'Reads the model manifest out of an image, in the engine or in its registry: no GPU, no pull, nothing runs.\n' +
        'With --on docker the image is asked on this host, which says what its GPUs can run.',
    )
    .argument('[image]', 'a NIM image, also oci:DIR:NAME, oci-archive:FILE, docker-archive:FILE')
    .option(
      '--file <file>',
      'saved output of list-model-profiles, a model_manifest.yaml, or saved --json; - reads standard input',
    )
    .option('--ids', 'print only the ids of the chosen ones, one a line')
    .option('--explain', 'say why each one was chosen or not')
    .addHelpText('after', examples)
    .action((image: string | undefined, flags: ProfilesFlags) => listProfiles(image, flags, context))
  return addRegistryOptions(addContainerOptions(addChoiceOptions(command)))
}

const examples = `
Examples:
  nimctl profiles nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4
  nimctl profiles nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 --on docker --gpus all --section runnable
  nimctl profiles oci-archive:images.tar:1.8.4
  nimctl profiles --file list-output.txt --gpu L40S --tp 2 --ids
  nimctl profiles IMAGE --engine vllm --json > profiles.json     # for: nimctl cache --profiles-from profiles.json`

async function listProfiles(image: string | undefined, flags: ProfilesFlags, context: Context): Promise<void> {
  const { selectProfiles } = await import('../../profiles/select.ts')
  if ((image === undefined) === (flags.file === undefined)) {
    throw new NimctlError('usage', 'PROFILES_SOURCE', {
      what: 'Say whose profiles, in one way.',
      next: 'Give an IMAGE, or --file FILE with what was saved.',
    })
  }
  refuseIdleFlags(flags)
  const choice = await readChoice(flags)
  const listing =
    image === undefined
      ? await readFileListing(flags.file ?? '', context)
      : await readImageListing(image, flags, context)
  const selected = selectProfiles(listing, choice)
  for (const message of selected.warnings) context.report({ event: 'warning', code: 'PROFILES', message })
  const { renderTable } = await import('../render/table.ts')
  context.print('ProfileListing', selected, () => render(selected, { flags, renderTable }))
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
    next: 'Add --on docker, which asks the image on this host, or leave them out.',
  })
}

async function readFileListing(file: string, context: Context): Promise<ProfileListing> {
  const { readListingFile } = await import('../../profiles/listing-file.ts')
  return readListingFile(await readInput(file, context))
}

async function readImageListing(name: string, flags: ProfilesFlags, context: Context): Promise<ProfileListing> {
  if (flags.on === undefined) return (await listFromManifest(name, flags, context)).listing
  const { inspectImage } = await import('../../image/inspect.ts')
  const { parseModelManifest } = await import('../../profiles/manifest.ts')
  const { signal, report } = context
  const engine = await openHostEngine(context)
  const image = await inspectImage(engine, name, { signal, report })
  const manifest = image.manifest === undefined ? undefined : parseModelManifest(image.manifest.text)
  const { listImageOn } = await import('../options/host-listing.ts')
  return { ...(await listImageOn({ engine, image, manifest, flags, context })), ...(await describeImage(image)) }
}

function render(
  listing: ProfileListing,
  { flags, renderTable }: { flags: ProfilesFlags; renderTable: (head: string[], rows: string[][]) => string },
): string {
  const chosen = listing.profiles.filter(({ selected }) => selected)
  if (flags.ids === true) return chosen.map(({ id }) => id).join('\n')
  const shown = flags.explain === true ? listing.profiles : chosen
  const rows = shown.map(profile => [
    profile.id,
    describe(profile),
    profile.section,
    needs(profile),
    ...(flags.explain === true ? [profile.selected ? 'yes' : 'no', profile.why ?? ''] : []),
  ])
  // A manifest has no descriptions; its tags are no name that --profile would take.
  const named = listing.profiles.some(({ description }) => description !== '')
  const head = [
    'ID',
    named ? 'DESCRIPTION' : 'TAGS',
    'SECTION',
    'NEEDS',
    ...(flags.explain === true ? ['CHOSEN', 'WHY'] : []),
  ]
  const gpus = listing.gpus.map(({ name, free }) => `${name}${free ? '' : ' (busy)'}`)
  return [...(gpus.length > 0 ? [`GPUs: ${gpus.join(', ')}`] : []), renderTable(head, rows)].join('\n')
}

/** A manifest has no descriptions: its tags say the same. */
function describe({ description, tags }: ListedProfile): string {
  if (description !== '') return description
  return ['llm_engine', 'backend', 'gpu', 'precision', 'tp', 'profile', 'model_type', 'name']
    .flatMap(tag => (tags[tag] === undefined || tags[tag] === '' ? [] : [tag === 'tp' ? `tp${tags[tag]}` : tags[tag]]))
    .concat(tags.feat_lora === 'true' ? ['lora'] : [])
    .join(' ')
}

function needs({ requiresGbPerGpu, files, bytes }: ListedProfile): string {
  return [
    ...(requiresGbPerGpu === undefined ? [] : [`${requiresGbPerGpu} GB/GPU`]),
    ...(files === undefined ? [] : [`${files} files`]),
    ...(bytes === undefined ? [] : [formatBytes(bytes)]),
  ].join(', ')
}
