import { sanitize } from '../system/secret.ts'
import type { ListedGpu, ListedProfile, Section } from './listing.ts'
import { type ListEntry, parseListEntry } from './parse-entry.ts'

export interface ParsedList {
  gpus: ListedGpu[]
  profiles: ListedProfile[]
  warnings: string[]
}

/** What was read so far, and under which headings the next line stands. */
interface Reading extends ParsedList {
  byId: Map<string, ListedProfile>
  lists: number
  section: Section | undefined
  lora: boolean
  /** `undefined` outside of the lists of GPUs. */
  freeGpus: boolean | undefined
  cutIds: { line: number; text: string }[]
}

/**
 * Reads what `list-model-profiles` or `nim_list_model_profiles` printed, in every form seen (reference/nim.md 2.1),
 * with whatever a terminal, log or notebook added. Profiles of a server's start log are found too; a log does not say
 * more than `unknown` of them. Never throws: text that holds no profile gives an empty list, and the caller decides.
 */
export function parseProfileList(text: string): ParsedList {
  const reading: Reading = {
    gpus: [],
    profiles: [],
    warnings: [],
    byId: new Map(),
    lists: 0,
    section: undefined,
    lora: false,
    freeGpus: undefined,
    cutIds: [],
  }
  for (const [index, line] of plainLines(text).entries()) readLine(line, index + 1, reading)
  const { gpus, byId } = reading
  return { gpus, profiles: [...byId.values()], warnings: [...reading.warnings, ...closingWarnings(reading)] }
}

/** Lines without terminal escapes, and without the time that `kubectl logs --timestamps` puts before each. */
function plainLines(text: string): string[] {
  return sanitize(text.replaceAll(/\r\n?/g, '\n'))
    .split('\n')
    .map(line => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)\s/, '').trim())
}

function readLine(line: string, number: number, reading: Reading): void {
  if (readHeading(line.replace(/^-\s+/, ''), reading)) return
  const item = /^-\s+(.+)$/.exec(line)?.[1]
  if (item === undefined) return
  const gpu = reading.freeGpus === undefined ? undefined : parseGpu(item, reading.freeGpus)
  const logged = /^Valid profile:\s*(.+)$/.exec(item)?.[1]
  const entry = parseListEntry(logged ?? item)
  if (gpu !== undefined) reading.gpus.push(gpu)
  else if (entry !== undefined)
    addProfile(entry, logged === undefined ? (reading.section ?? 'unknown') : 'unknown', reading)
  else if (/^[0-9a-f]{4,}(?:\.{2,}|…|$|\s+[-(])/.test(item)) reading.cutIds.push({ line: number, text: item })
  else if (reading.section !== undefined && /:(?:\s*<None>)?$/.test(item)) readUnknownHeading(item, number, reading)
}

const headings: [RegExp, Partial<Pick<Reading, 'section' | 'lora' | 'freeGpus'>>][] = [
  [/^SYSTEM INFO\b/, { section: undefined }],
  [/^Free GPUs\b/, { freeGpus: true }],
  [/^Non-free GPUs\b/, { freeGpus: false }],
  [/^MODEL PROFILES\b/, { section: 'unknown' }],
  [/^All profiles\b/, { section: 'unknown' }],
  [/^Compatible with system but\b/, { section: 'low-memory' }],
  [/^Compatible with system\b/, { section: 'runnable' }],
  [/^Compilable to\b/, { section: 'compilable' }],
  [/^Incompatible with system\b/, { section: 'incompatible' }],
]

/** Headings come with and without colon, `<None>`, entries and, at the right, what a terminal left there. */
function readHeading(line: string, reading: Reading): boolean {
  if (/^With LoRA support\b/.test(line)) {
    reading.lora = true
    return true
  }
  const heading = headings.find(([pattern]) => pattern.test(line))
  if (heading === undefined) return false
  if (line.startsWith('MODEL PROFILES')) reading.lists += 1
  Object.assign(reading, { lora: false, freeGpus: undefined }, heading[1])
  return true
}

/** A heading of a later version: what follows must not count as what stood before it. */
function readUnknownHeading(item: string, number: number, reading: Reading): void {
  reading.section = 'unknown'
  reading.lora = false
  reading.warnings.push(
    `Line ${number}: nimctl does not know the heading "${shorten(item)}"; its profiles are listed as unknown.`,
  )
}

/** `[26b9:10de] (0) NVIDIA L40S (L40S) [current utilization: 1%]`; some versions lack the alias, the space or the end. */
function parseGpu(item: string, free: boolean): ListedGpu | undefined {
  const match = /^(?:\[([0-9a-f]{4}:[0-9a-f]{4})\]\s*)?\((\d+)\)\s*([^[]+)/i.exec(item)
  if (match === null) return undefined
  const [, pciId, index, name = ''] = match
  const used = /\[current utilization:\s*(\d+(?:\.\d+)?)%/.exec(item)?.[1]
  return {
    name: name.trim().replace(/\s*\([^()]*\)$/, ''),
    ...(pciId !== undefined && { pciId: pciId.toLowerCase() }),
    index: Number(index),
    free,
    ...(used !== undefined && { utilizationPercent: Number(used) }),
  }
}

/** The first word on a profile counts, save that a section is better than none. */
function addProfile({ id, lora, ...entry }: ListEntry, section: Section, reading: Reading): void {
  const known = reading.byId.get(id)
  if (known === undefined) {
    reading.byId.set(id, { id, ...entry, section, lora: lora || reading.lora, selected: true })
  } else if (known.section === 'unknown') {
    known.section = section
  } else if (section !== 'unknown' && section !== known.section) {
    reading.warnings.push(`Profile ${id} is listed as ${known.section} and as ${section}; the first counts.`)
  }
}

function closingWarnings({ lists, cutIds }: Reading): string[] {
  const warnings: string[] = []
  if (lists > 1) warnings.push(`The text holds ${lists} profile lists; their profiles are shown as one.`)
  const [first] = cutIds
  if (first !== undefined) {
    const count = cutIds.length === 1 ? '1 line was' : `${cutIds.length} lines were`
    warnings.push(
      `${count} left out for an abbreviated profile id, first line ${first.line}: "${shorten(first.text)}".`,
    )
  }
  return warnings
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
