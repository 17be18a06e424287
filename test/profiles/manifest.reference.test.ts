import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { expect, it } from 'vitest'

import { readListingFile } from '../../src/profiles/listing-file.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { parseProfileList } from '../../src/profiles/parse-listing.ts'

const repository = resolve(import.meta.dirname, '../..')
const reference = resolve(repository, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared')
const manifests = join(reference, 'samples/manifests')

function readManifest(name: string): string {
  return readFileSync(join(manifests, name), 'utf8')
}

it('knows every sample', () => {
  const found = ['v1', 'v2', 'legacy'].flatMap(folder =>
    readdirSync(join(manifests, folder)).map(name => `${folder}/${name}`),
  )
  expect(found.toSorted()).toEqual(samples.map(([name]) => name).toSorted())
})

const samples: [string, 1 | 2, number[]][] = [
  ['v1/manifest_lora.yaml', 1, [0]],
  ['v1/manifest_non_llm.yaml', 1, [0, 0]],
  ['v1/manifest_trtllm.yaml', 1, [4, 0]],
  ['v1/manifest_trtllm_v1.yaml', 1, [3]],
  ['v1/manifest_vllm_v1.yaml', 1, [3]],
  ['v2/manifest_v2.yaml', 2, [3, 1]],
  ['legacy/manifest_legacy_molmim.yaml', 1, [0, 0]],
  ['legacy/manifest_legacy_single_key.yaml', 1, [0]],
  ['legacy/manifest_molmim_1.0.0_real.yaml', 1, [0]],
]

it.each(samples)('reads %s', (name, schemaVersion, files) => {
  const manifest = parseModelManifest(readManifest(name))
  expect(manifest.schemaVersion).toBe(schemaVersion)
  expect(manifest.profiles.map(profile => profile.files.length)).toEqual(files)
  expect(readListingFile(readManifest(name)).profiles).toHaveLength(files.length)
})

it('keeps tags as they are written', () => {
  const [, tensorrt] = parseModelManifest(readManifest('v1/manifest_non_llm.yaml')).profiles
  expect(tensorrt?.tags).toMatchObject({ key: 'NVIDIA-A10G_10.0.1_12', product_name_regex: '^NVIDIA-A10(?!0).*' })
})

/** The samples A to O of reference/nim.md 2.2: number of profiles by section. */
const lists: Record<string, string> = {
  A1: 'runnable 9, incompatible 11',
  A2: 'runnable 8, incompatible 15',
  B: 'low-memory 2, incompatible 9',
  N: 'runnable 1, incompatible 1',
  C1: 'runnable 1, compilable 1, incompatible 2',
  C2: 'runnable 2, compilable 1',
  D: 'incompatible 8',
  E: 'runnable 4, incompatible 3',
  F: 'runnable 4, incompatible 2',
  G: 'incompatible 6',
  H: 'runnable 3, incompatible 2',
  I: 'runnable 2',
  I2: 'runnable 1',
  I3: 'incompatible 1',
  I4: '',
  J: 'unknown 1',
  K: 'runnable 1',
  O: 'unknown 6',
}

it.each(Object.entries(lists))('reads the list of sample %s', (name, expected) => {
  const page = readFileSync(join(reference, 'reference/nim.md'), 'utf8')
  const sample = page.split(`\n**${name}.**`)[1]?.split('```')[1] ?? ''
  const { profiles, warnings } = parseProfileList(sample)
  const counts = Object.entries(Object.groupBy(profiles, ({ section }) => section))
  expect(counts.map(([section, found]) => `${section} ${found.length}`).join(', ')).toBe(expected)
  expect(warnings).toHaveLength(name === 'I4' ? 1 : 0)
})
