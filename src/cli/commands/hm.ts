import { Command, Option } from 'commander'

import type { CheckedModel } from '../../hybrid-manager/check-images.ts'
import type { MirroredDigests } from '../../hybrid-manager/mirrored.ts'
import type { HybridManagerModel } from '../../hybrid-manager/model-list.ts'
import type { ImageChange } from '../../hybrid-manager/set-image.ts'
import type { Context } from '../context.ts'
import { addHybridManagerOptions, askHybridManager, type HybridManagerFlags } from '../options/hybrid-manager.ts'
import { addRegistryOptions, registrySettings, type RegistryFlags } from '../options/image.ts'
import { readInput } from '../options/input.ts'

export function hmCommand(context: Context): Command {
  return new Command('hm')
    .description(
      "Shows and changes the images of EDB Hybrid Manager's models. Its access key is read from HM_ACCESS_KEY.",
    )
    .addCommand(modelsCommand(context))
    .addCommand(setImageCommand(context))
}

interface ModelsFlags extends HybridManagerFlags, RegistryFlags {
  images?: true
  check?: true
  mirrored?: string
}

function modelsCommand(context: Context): Command {
  const command = new Command('models')
    .summary('list its models and their images')
    .description(
      'Lists the models of Hybrid Manager with the images that their pods pull. With --check each image is looked at in its\n' +
        'registry: every platform, the first bytes of each layer, and the digest. Exits with 3 where one is not as it should be.',
    )
    .option('--images', 'print the images alone, one a line, as nimctl mirror --from-file takes them')
    .option('--check', 'prove that each image can be pulled from where it is')
    .addOption(
      new Option(
        '--mirrored <file>',
        'what nimctl mirror --json printed: each image must be a copy of it; - reads standard input',
      ).implies({ check: true }),
    )
    .addHelpText('after', modelsExamples)
    .action((flags: ModelsFlags) => listModels(flags, context))
  return addRegistryOptions(addHybridManagerOptions(command))
}

const modelsExamples = `
Examples:
  nimctl hm models --url https://hm.internal
  nimctl hm models --url https://hm.internal --images | nimctl mirror --from-file - --to registry.internal:5000 --json > mirrored.json
  nimctl hm models --url https://hm.internal --mirrored mirrored.json`

async function listModels(flags: ModelsFlags, context: Context): Promise<void> {
  const mirrored = flags.mirrored === undefined ? undefined : await readMirrored(flags.mirrored, context)
  const { list, portal } = await askHybridManager(flags, context, async (api, asked) => ({
    list: await api.listModels(),
    portal: asked,
  }))
  if (!list.complete) {
    const message = 'Hybrid Manager says that it has more models than it showed; how to ask for them is not documented.'
    context.report({ event: 'warning', code: 'HM_LIST_PARTIAL', message })
  }
  const models: CheckedModel[] =
    flags.check === true ? await check(list.models, mirrored, { flags, context }) : list.models
  const ok = list.complete && models.every(({ check: verdict }) => verdict?.status !== 'failed')
  const { renderTable } = await import('../render/table.ts')
  context.print('HybridManagerModels', { ok, ...portal, complete: list.complete, models }, () => {
    if (flags.images === true) return [...new Set(models.flatMap(({ image }) => image ?? []))].join('\n')
    if (models.length === 0) return `Hybrid Manager at ${portal.url} has no models.`
    return flags.check === true ? renderChecked(models, renderTable) : renderTable(head, models.map(row))
  })
}

async function readMirrored(file: string, context: Context): Promise<MirroredDigests> {
  const { digestsOf } = await import('../../hybrid-manager/mirrored.ts')
  const { parseMirrorResult } = await import('../../image/mirror-result.ts')
  return digestsOf(parseMirrorResult(await readInput(file, context), file))
}

async function check(
  models: readonly HybridManagerModel[],
  mirrored: MirroredDigests | undefined,
  { flags, context }: { flags: RegistryFlags; context: Context },
): Promise<CheckedModel[]> {
  const { checkImages } = await import('../../hybrid-manager/check-images.ts')
  const { openImageSource } = await import('../../image/find-image.ts')
  const settings = await registrySettings(flags, context)
  return await checkImages(models, {
    ...settings,
    open: reference => openImageSource(reference, settings),
    ...(mirrored !== undefined && { mirrored }),
  })
}

const head = ['ID', 'NAME', 'IMAGE']

function row({ id, name = '-', image = '-' }: HybridManagerModel): string[] {
  return [id, name, image]
}

const marks = { ok: '✓', failed: '✗', 'not-provable': '?' } as const

/** A table, and below it what is wrong. */
function renderChecked(
  models: readonly CheckedModel[],
  renderTable: typeof import('../render/table.ts').renderTable,
): string {
  const rows = models.map(model => [
    model.check === undefined ? '-' : marks[model.check.status],
    ...row(model),
    model.check?.digest ?? '-',
  ])
  const remarks = models.flatMap(({ id, check: verdict }) => {
    const said = [verdict?.found, verdict?.next].filter(text => text !== undefined)
    return verdict === undefined || said.length === 0 ? [] : [`${marks[verdict.status]} ${id}: ${said.join('\n    ')}`]
  })
  return [renderTable(['', ...head, 'DIGEST'], rows), ...remarks].join('\n')
}

interface SetImageFlags extends HybridManagerFlags {
  dryRun?: true
}

function setImageCommand(context: Context): Command {
  const command = new Command('set-image')
    .summary('give a model another image')
    .description(
      'Gives a model of Hybrid Manager another image, and reads it again to see that it has it. Clusters that are made\n' +
        'afterwards pull that image. Nothing is sent where the model has it already.',
    )
    .argument('<model-id>', 'as nimctl hm models shows it')
    .argument('<image>', 'in the registry that its clusters reach')
    .option('--dry-run', 'show old and new, and change nothing')
    .addHelpText('after', setImageExamples)
    .action((id: string, image: string, flags: SetImageFlags) => setImage(id, image, { flags, context }))
  return addHybridManagerOptions(command)
}

const setImageExamples = `
Examples:
  nimctl hm set-image 7f3c2a10 registry.internal:5000/nim/nvidia/nvclip:latest --url https://hm.internal --dry-run
  nimctl hm set-image 7f3c2a10 registry.internal:5000/nim/nvidia/nvclip:latest --url https://hm.internal`

async function setImage(
  id: string,
  image: string,
  { flags, context }: { flags: SetImageFlags; context: Context },
): Promise<void> {
  const { setModelImage } = await import('../../hybrid-manager/set-image.ts')
  await askHybridManager(flags, context, async (api, portal) => {
    const change = await setModelImage(api, { id, image, dryRun: flags.dryRun === true })
    context.print('HybridManagerImage', { ok: true, ...portal, ...change }, () => renderChange(change))
  })
}

function renderChange({ id, name, before = 'no image', after, status }: ImageChange): string {
  const model = name === undefined ? id : `${id} (${name})`
  switch (status) {
    case 'unchanged':
      return `${model} has ${after} already. Nothing was changed.`
    case 'planned':
      return `Would change ${model}:\n  ${before} → ${after}`
    case 'changed':
      return `Changed ${model}, and read it again:\n  ${before} → ${after}`
  }
}
