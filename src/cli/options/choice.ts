import { Option, type Command } from 'commander'

import type { ProfileChoice } from '../../profiles/choice.ts'
import { sections, type Section } from '../../profiles/listing.ts'
import { NimctlError } from '../../system/errors.ts'
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
}

const heading = 'Choosing profiles:'

/** Flags that say which profiles are meant (cli.md, profiles). */
export function addChoiceOptions(command: Command): Command {
  const options = [
    new Option(
      '--profile <profile>',
      'an id, a unique beginning of one, or an exact description; may be repeated',
    ).argParser(collect),
    new Option('--section <section,…>', `where the host puts it: ${sections.join(', ')}`),
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
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

export async function readChoice(flags: ChoiceFlags): Promise<ProfileChoice> {
  const { parseGpuChoice } = await import('../../profiles/choice.ts')
  const { profile, all, section, gpu, tp, engine, precision, qos, lora, buildable } = flags
  return {
    profiles: profile,
    all,
    sections: section?.split(',').map(parseSection),
    gpus: gpu?.map(parseGpuChoice),
    tp,
    engine,
    precision,
    qos,
    lora,
    buildable,
  }
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
