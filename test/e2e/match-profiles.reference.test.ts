import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

import { expect, it } from 'vitest'

import { temporaryDirectory } from '../hub-cache.ts'
import { nimctl } from './nimctl.ts'

interface Case {
  name: string
  manifest: string
  spec: object
  discoveredGPUs: string[]
  matched: string[]
  /** Of the operator, which could not read the manifest. */
  error?: string
}

const root = resolve(import.meta.dirname, '../..')
const reference = resolve(root, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared')
const cases: Case[] = JSON.parse(readFileSync(join(reference, 'samples/match-profiles.json'), 'utf8'))

it('knows how many there are', () => {
  expect(cases).toHaveLength(28)
})

/** Made with the operator's own Go code (reference/operator.md). */
it.each(cases)('nimctl profiles --spec chooses as the operator does: $name', async sample => {
  const directory = await temporaryDirectory()
  await writeFile(join(directory, 'model_manifest.yaml'), sample.manifest)
  await writeFile(join(directory, 'spec.json'), JSON.stringify(sample.spec))
  const nodes = sample.discoveredGPUs.flatMap(product => ['--node-gpu', product])
  const outcome = await nimctl(
    ['profiles', '--file', 'model_manifest.yaml', '--spec', 'spec.json', ...nodes, '--json'],
    { cwd: directory, env: { HOME: directory } },
  )
  const listing = outcome.json() as { kind: string; profiles: { id: string; selected: boolean; why: string }[] }
  expect(listing.kind).toBe('ProfileListing')
  const selected = listing.profiles.filter(profile => profile.selected).map(({ id }) => id)
  expect(selected.toSorted()).toEqual(sample.matched.toSorted())
  expect(listing.profiles.filter(({ why }) => why === '')).toEqual([])
  expect(outcome.exitCode).toBe(sample.matched.length === 0 ? 3 : 0)
})
