import { listManifest } from '../../src/profiles/manifest-listing.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { weighProfiles } from '../../src/profiles/weigh.ts'
import type { BenchContext, Part } from './context.ts'
import type { Row } from './table.ts'

const profiles = 200
const files = 20_000

/** Reading a model manifest as large as the largest known, in each of its forms, and weighing all of its profiles. */
export async function benchManifest({ rounds }: BenchContext): Promise<Part> {
  const forms = { 'version 1': version1(), 'version 2': version2(), legacy: legacy() }
  const rows = Object.entries(forms).map(([form, text]): Row => {
    const seconds = best(rounds, () => {
      const manifest = parseModelManifest(text)
      if (manifest.profiles.length !== profiles) throw new Error(`${form}: ${manifest.profiles.length} profiles.`)
      weighProfiles(listManifest(manifest), manifest)
    })
    const megabytes = (text.length / 1e6).toFixed(1)
    return {
      what: `${form} manifest of ${profiles} profiles and ${files} files (${megabytes} MB) read and weighed, CPU s`,
      figures: { nimctl: seconds },
      goal: { text: '≤ 1 s', found: seconds, atMost: 1 },
    }
  })
  return { rows, notes: [] }
}

/** Of the processor: one thread does it all, and others use the machine as well. */
function best(rounds: number, run: () => void): number {
  const seconds = Array.from({ length: rounds + 1 }, () => {
    const started = process.cpuUsage()
    run()
    const { user, system } = process.cpuUsage(started)
    return (user + system) / 1e6
  })
  return Math.min(...seconds)
}

const id = (index: number) => index.toString(16).padStart(64, '0')
const each = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join('')

function tags(indent: string): string {
  const lines = [
    "feat_lora: 'false'",
    'gpu: L40S',
    'gpu_device: 26b5:10de',
    'llm_engine: tensorrt_llm',
    "pp: '1'",
    "tp: '2'",
  ]
  return `${indent}tags:\n${lines.map(line => `${indent}  ${line}\n`).join('')}`
}

const name = (index: number) => `model-${String(index).padStart(5, '0')}-of-00100.safetensors`

function version1(): string {
  const source = each(files / profiles, file => `          - !name '${name(file)}'\n`)
  return each(
    profiles,
    profile =>
      `${id(profile)}:\n  model: example/standin\n  release: '1.0'\n${tags('  ')}  workspace: !workspace\n    components:\n    - dst: ''\n      src:\n        repo_id: nim/example/standin\n        files:\n${source}`,
  )
}

function version2(): string {
  const list = each(profiles, profile => {
    const uri = (file: number) => `ngc://nim/example/standin:hf-${profile % 20}?file=${name(file)}`
    const map = each(files / profiles, file => `      ${name(file)}:\n        uri: ${uri(file)}\n`)
    return `- id: ${id(profile)}\n${tags('  ')}  workspace:\n    files:\n${map}`
  })
  return `schema_version: 2.0.0\nprofile_selection_criteria: default\nprofiles:\n${list}`
}

function legacy(): string {
  const source = each(files / profiles, file => `        - !name '${name(file)}'\n`)
  const list = each(
    profiles,
    profile =>
      `- id: ${id(profile)}\n${tags('  ')}  workspace: !workspace\n    components:\n    - dst: ''\n      src:\n        files:\n${source}`,
  )
  return `model_profile: example\nmanifest:\n${list}`
}
