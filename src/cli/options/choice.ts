import { Option, type Command } from 'commander'

import type { ProfileChoice } from '../../profiles/choice.ts'
import { sections, type Section } from '../../profiles/listing.ts'
import type { SpecChoice } from '../../profiles/select-by-spec.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { readInput } from './input.ts'
import { collect, parseCount } from './values.ts'

export interface ChoiceFlags {
  profile?: string[]
  all?: true
  section?: string
  gpu?: string[]
  tp?: number
  engine?: string
  precision?: string
  qos?: string
  lora?: boolean
  buildable?: boolean
  spec?: string
  nodeGpu?: string[]
}

const heading = 'Choosing profiles:'

/** Flags that say what profiles are for. */
export function traitOptions(): Option[] {
  return [
    new Option('--gpu <product[:pci-id+pci-id]>', 'such as L40S:26b9; may be repeated').argParser(collect),
    new Option('--tp <n>', 'tensor parallelism: GPUs a model is spread over').argParser(parseCount),
    new Option('--engine <name>', 'such as tensorrt_llm or vllm'),
    new Option('--precision <name>', 'such as bf16 or fp8'),
    new Option('--qos <profile>', 'what it is tuned for').choices(['throughput', 'latency', 'balanced']),
    new Option('--lora', 'with LoRA support'),
    new Option('--no-lora', 'without LoRA support'),
    new Option('--buildable', 'that an engine can be built from on any GPU'),
    new Option('--no-buildable', 'that is used as it is'),
  ]
}

/** Flags that say which profiles are meant (cli.md, profiles). */
export function addChoiceOptions(command: Command): Command {
  const options = [
    new Option(
      '--profile <profile>',
      'an id, a unique beginning of one, or an exact description; may be repeated',
    ).argParser(collect),
    new Option('--section <section,…>', `where the host puts it: ${sections.join(', ')}`),
    ...traitOptions(),
    new Option(
      '--spec <file>',
      'as the NIM Operator chooses for a NIMCache, or for the fields of its spec.source.ngc.model; - reads standard input',
    ),
    new Option('--node-gpu <product>', "with --spec: a node's label nvidia.com/gpu.product; may be repeated").argParser(
      collect,
    ),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** @throws NimctlError `usage` naming the flag that is wrong, or the two that exclude each other. */
export async function readChoice(flags: ChoiceFlags, context: Context): Promise<ProfileChoice> {
  const { checkChoice, parseGpuChoice } = await import('../../profiles/choice.ts')
  const { choiceConditions } = await import('../../profiles/conditions.ts')
  const { profile, all, section, gpu, tp, engine, precision, qos, lora, buildable } = flags
  const choice = {
    profiles: profile,
    all,
    spec: await readSpec(flags, context),
    sections: section?.split(',').map(parseSection),
    gpus: gpu?.map(parseGpuChoice),
    tp,
    engine,
    precision,
    qos,
    lora,
    buildable,
  }
  checkChoice(
    choice,
    choiceConditions(choice).map(({ flag }) => flag),
  )
  return choice
}

async function readSpec({ spec, nodeGpu }: ChoiceFlags, context: Context): Promise<SpecChoice | undefined> {
  if (spec === undefined && nodeGpu === undefined) return undefined
  if (spec === undefined) {
    throw new NimctlError('usage', 'NODE_GPU_IDLE', {
      what: '--node-gpu only matters with --spec.',
      why: 'It says what the NIM Operator finds on the nodes.',
      next: 'Add --spec FILE, or choose with --gpu.',
    })
  }
  const { parseModelSpec } = await import('../../operator/model-spec.ts')
  return { ...parseModelSpec(await readInput(spec, context)), nodeGpus: nodeGpu ?? [] }
}

/** Whether any of the flags was used. */
export function isChosen(choice: ProfileChoice): boolean {
  return Object.values(choice).some(value => value !== undefined)
}

function parseSection(text: string): Section {
  const section = sections.find(known => known === text.trim())
  if (section !== undefined) return section
  throw new NimctlError('usage', 'SECTION_UNKNOWN', {
    what: `"${text}" is no section of a profile list.`,
    next: `Use one or several of: ${sections.join(', ')}`,
  })
}
