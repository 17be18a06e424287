import type { GpuChoice, ProfileChoice } from './choice.ts'
import type { ListedProfile } from './listing.ts'
import type { Traits } from './traits.ts'

/** One choosing flag. */
export interface Condition {
  /** As it was typed, such as `--tp 4`. */
  flag: string
  /** What the profile is instead, such as `has tp 2`; `undefined` where it is as asked. */
  unmet: (profile: ListedProfile, traits: Traits) => string | undefined
}

/** The choosing flags in the order in which they are applied: where a profile can run first, what it is after that. */
export function choiceConditions(choice: ProfileChoice): Condition[] {
  const { sections = [], gpus = [], tp, engine, precision, qos, lora, buildable } = choice
  const conditions: Condition[] = []
  if (sections.length > 0) {
    const unmet = ({ section }: ListedProfile) => (sections.includes(section) ? undefined : `is ${section}`)
    conditions.push({ flag: `--section ${sections.join(',')}`, unmet })
  }
  if (gpus.length > 0) conditions.push(gpuCondition(gpus))
  if (engine !== undefined) conditions.push(wordCondition('engine', engine, engineName))
  if (precision !== undefined) conditions.push(wordCondition('precision', precision))
  if (tp !== undefined) conditions.push(wordCondition('tp', String(tp)))
  if (qos !== undefined) conditions.push(wordCondition('qos', qos))
  if (lora !== undefined) conditions.push(loraCondition(lora))
  if (buildable !== undefined) conditions.push(buildableCondition(buildable))
  return conditions
}

type Word = 'engine' | 'precision' | 'tp' | 'qos'

function wordCondition(name: Word, wanted: string, normalise = (text: string) => text.trim().toLowerCase()): Condition {
  return {
    flag: `--${name} ${wanted}`,
    unmet(_, traits) {
      const found = traits[name]
      if (found === undefined) return `names no ${name}`
      return normalise(String(found)) === normalise(wanted) ? undefined : `has ${name} ${found}`
    },
  }
}

function loraCondition(wanted: boolean): Condition {
  const unmet = { without: 'has no LoRA support', with: 'has LoRA support' }
  return yesNoCondition({ flag: 'lora', wanted, unmet, has: ({ lora }) => lora })
}

function buildableCondition(wanted: boolean): Condition {
  const unmet = { without: 'is not buildable', with: 'is buildable' }
  return yesNoCondition({ flag: 'buildable', wanted, unmet, has: (_, { buildable }) => buildable })
}

interface YesNo {
  flag: string
  wanted: boolean
  /** What a profile without it is, and one with it. */
  unmet: { without: string; with: string }
  has: (profile: ListedProfile, traits: Traits) => boolean
}

function yesNoCondition({ flag, wanted, unmet, has }: YesNo): Condition {
  return {
    flag: wanted ? `--${flag}` : `--no-${flag}`,
    unmet(profile, traits) {
      if (has(profile, traits) === wanted) return undefined
      return wanted ? unmet.without : unmet.with
    },
  }
}

/** `tensorrt_llm` of LLM NIMs, `tensorrt` of others, and what people write for both, are one engine. */
function engineName(text: string): string {
  const name = text.trim().toLowerCase().replaceAll('-', '_')
  return /^(?:tensorrt|trt)_?(?:llm)?$/.test(name) ? 'tensorrt' : name
}

function gpuCondition(wanted: readonly GpuChoice[]): Condition {
  const names = wanted.map(({ product, pciIds }) => [product, pciIds.join('+')].filter(Boolean).join(':'))
  return {
    flag: names.map(name => `--gpu ${name}`).join(' '),
    unmet(_, { gpu, pciId }) {
      if (gpu === undefined) return 'is built for no particular GPU'
      if (wanted.some(choice => isFor(choice, gpu, pciId))) return undefined
      return `is for ${gpu}${pciId === undefined ? '' : ` ${pciId}`}`
    },
  }
}

function isFor({ product, pciIds }: GpuChoice, gpu: string, pciId: string | undefined): boolean {
  if (pciIds.length > 0 && (pciId === undefined || !pciIds.includes(pciId))) return false
  const asked = gpuWords(product)
  const built = gpuWords(gpu)
  const shared = Math.min(asked.length, built.length)
  return shared > 0 && asked.slice(0, shared).every((word, index) => word === built[index])
}

/**
 * `H100`, `H100_NVL`, `h100pcie`, `NVIDIA H100 80GB HBM3` and the node label `NVIDIA-H100-80GB-HBM3` begin with one
 * word. Whole words are compared, so that L4 is not L40S.
 */
function gpuWords(name: string): string[] {
  return name
    .toLowerCase()
    .replaceAll(/(\d)(pcie|sxm|nvl)/g, '$1-$2')
    .split(/[^a-z0-9]+/)
    .filter(word => word !== '' && word !== 'nvidia')
}
