import type { FileCount, ListedProfile, ProfileListing } from '../../profiles/listing.ts'
import { profileGpus, profileTraits } from '../../profiles/traits.ts'
import { sanitize } from '../../system/secret.ts'
import { count, formatBytes } from './format.ts'
import { renderTable } from './table.ts'

interface Shown {
  /** All profiles with the reason for each, not only those that are chosen. */
  explain: boolean
  /** The directory or store of `--new-to`. */
  newTo?: string | undefined
}

/** The profiles as one table: what each is, where it runs, its GPUs and bytes, and what of it would be new. */
export function renderProfiles(listing: ProfileListing, { explain, newTo }: Shown): string {
  const chosen = listing.profiles.filter(({ selected }) => selected)
  const shown = explain ? listing.profiles : chosen
  const columns = columnsOf(listing, { explain, newTo, several: chosen.length > 1 }).filter(
    ({ always, cell }) => always === true || shown.some(profile => cell(profile) !== ''),
  )
  const rows = shown.map(profile => columns.map(({ cell }) => sanitize(cell(profile))))
  const head = columns.map(({ name }) => name)
  return [
    ...firstLines(listing),
    renderTable(head, rows),
    ...lastLines(listing, { chosen: chosen.length, newTo }),
  ].join('\n')
}

interface Column {
  name: string
  cell: (profile: ListedProfile) => string
  /** Also where no profile has anything to say. */
  always?: true
}

function columnsOf({ profiles }: ProfileListing, { explain, newTo, several }: Shown & { several: boolean }): Column[] {
  // A manifest has no descriptions; its tags are no name that --profile would take.
  const named = profiles.some(({ description }) => description !== '')
  return [
    { name: 'ID', cell: ({ id }) => id, always: true },
    { name: named ? 'DESCRIPTION' : 'TAGS', cell: describe, always: true },
    { name: 'SECTION', cell: ({ section }) => section, always: true },
    { name: 'GPUS', cell: gpusOf },
    {
      name: 'NEEDS',
      cell: ({ requiresGbPerGpu }) => (requiresGbPerGpu === undefined ? '' : `${requiresGbPerGpu} GB/GPU`),
    },
    { name: 'FILES', cell: ({ files }) => (files === undefined ? '' : String(files)) },
    { name: 'BYTES', cell: ({ bytes }) => (bytes === undefined ? '' : formatBytes(bytes)) },
    ...(several ? [{ name: 'SHARED', cell: ({ shared }: ListedProfile) => describeFiles(shared) }] : []),
    ...(newTo === undefined ? [] : [{ name: 'NEW', cell: ({ new: fresh }: ListedProfile) => describeFiles(fresh) }]),
    ...(explain
      ? [
          { name: 'CHOSEN', cell: ({ selected }: ListedProfile) => (selected ? 'yes' : 'no'), always: true as const },
          { name: 'WHY', cell: ({ why = '' }: ListedProfile) => why, always: true as const },
        ]
      : []),
  ]
}

function firstLines({ gpus, operatorParser, profiles }: ProfileListing): string[] {
  const names = gpus.map(({ name, free }) => `${name}${free ? '' : ' (busy)'}`)
  const asked = profiles.some(({ section }) => section !== 'unknown')
  const from = operatorParser === undefined ? 'this list names no sections' : 'this is the model manifest alone'
  return [
    ...(asked ? [] : [`Nobody has said what runs: ${from}. A host says it, with --on docker.`]),
    ...(names.length > 0 ? [`GPUs: ${sanitize(names.join(', '))}`] : []),
  ]
}

function lastLines({ together }: ProfileListing, { chosen, newTo }: { chosen: number; newTo: string | undefined }) {
  if (together === undefined || (chosen < 2 && newTo === undefined)) return []
  const fresh = together.new === undefined ? '' : `; new to ${newTo}: ${describeFiles(together.new)}`
  return [`Together ${describeFiles(together)}${fresh}.`]
}

/** A manifest has no descriptions: its tags say the same. */
function describe({ description, tags }: ListedProfile): string {
  if (description !== '') return description
  return ['llm_engine', 'backend', 'gpu', 'precision', 'tp', 'profile', 'model_type', 'name']
    .flatMap(tag => (tags[tag] === undefined || tags[tag] === '' ? [] : [tag === 'tp' ? `tp${tags[tag]}` : tags[tag]]))
    .concat(tags['feat_lora'] === 'true' ? ['lora'] : [])
    .join(' ')
}

/** `2 × L40S`, as far as it is known. */
function gpusOf(profile: ListedProfile): string {
  const number = profileGpus(profile)
  const { gpu } = profileTraits(profile)
  return [number, gpu].filter(part => part !== undefined).join(' × ')
}

/** Files whose bytes nobody tells are counted alone. */
function describeFiles(files: FileCount | undefined): string {
  if (files === undefined) return ''
  if (files.files === 0) return 'nothing'
  return [count(files.files, 'file'), ...(files.bytes === undefined ? [] : [formatBytes(files.bytes)])].join(', ')
}
