import { NimctlError } from '../system/errors.ts'
import type { Section } from './listing.ts'
import type { SpecChoice } from './select-by-spec.ts'

/** `--gpu PRODUCT[:PCI-ID+PCI-ID]`: the name to look for, and the device ids of which one must be the profile's. */
export interface GpuChoice {
  product: string
  pciIds: readonly string[]
}

/**
 * What the choosing flags say (cli.md, profiles). Profiles by name, all, as the NIM Operator would for a NIMCache, or
 * those that meet every other condition.
 */
export interface ProfileChoice {
  /** Ids, unique beginnings of ids, or exact descriptions. */
  profiles?: readonly string[] | undefined
  all?: boolean | undefined
  spec?: SpecChoice | undefined
  sections?: readonly Section[] | undefined
  /** One of them is to match. */
  gpus?: readonly GpuChoice[] | undefined
  tp?: number | undefined
  engine?: string | undefined
  precision?: string | undefined
  qos?: string | undefined
  lora?: boolean | undefined
  buildable?: boolean | undefined
}

/** @throws NimctlError `usage` / `GPU_CHOICE_INVALID`. */
export function parseGpuChoice(text: string): GpuChoice {
  const [, product = '', ids = ''] = /^([^:]*)(?::(.*))?$/s.exec(text.trim()) ?? []
  const pciIds = ids === '' ? [] : ids.split('+').map(id => id.trim().toLowerCase())
  if (product.trim() === '' || (ids === '' && text.includes(':')) || !pciIds.every(id => pciId.test(id))) {
    throw new NimctlError('usage', 'GPU_CHOICE_INVALID', {
      what: `"${text}" names no GPU.`,
      why: 'A GPU is PRODUCT or PRODUCT:PCI-ID+PCI-ID, a PCI id being four hex digits.',
      next: 'For example: --gpu L40S:26b9+26b5',
    })
  }
  return { product: product.trim(), pciIds: pciIds.map(id => id.slice(0, 4)) }
}

/** The device, also with the vendor as `list-model-profiles` prints it (`26b9:10de`). */
const pciId = /^[0-9a-f]{4}(?::[0-9a-f]{4})?$/

/**
 * @param conditions the other flags that were used, such as `--tp 4`.
 * @throws NimctlError `usage` / `PROFILE_CHOICE_CONFLICT` naming two ways to choose that exclude each other.
 */
export function checkChoice(choice: ProfileChoice, conditions: readonly string[]): void {
  const ways: string[] = []
  if (choice.all === true) ways.push('--all')
  if (isNamed(choice)) ways.push('--profile')
  if (choice.spec !== undefined) ways.push('--spec')
  if (conditions.length > 0) ways.push(conditions.join(' '))
  const [first, second] = ways
  if (first === undefined || second === undefined) return
  throw new NimctlError('usage', 'PROFILE_CHOICE_CONFLICT', {
    what: `${first} and ${second} exclude each other.`,
    why: 'Profiles are chosen by name, all at once, as the operator does, or by what they are.',
    next: `Leave out ${first} or ${second}.`,
  })
}

export function isNamed({ profiles }: ProfileChoice): boolean {
  return profiles !== undefined && profiles.length > 0
}
