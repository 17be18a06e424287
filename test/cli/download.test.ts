import { expect, it } from 'vitest'

import { decideDownload, type DownloadFlags, readModelFlags } from '../../src/cli/options/download.ts'
import type { NimImage } from '../../src/image/inspect.ts'
import type { Download } from '../../src/nim/downloads.ts'

const manifest = { path: '/opt/nim/etc/default/model_manifest.yaml', text: '' }

function anImage(family: NimImage['family']): NimImage {
  const has = family === 'llm' || family === 'nimlib'
  return {
    reference: 'r/i:1',
    digest: '',
    platform: 'linux/amd64',
    labels: {},
    user: '',
    family,
    ...(has && { manifest }),
  }
}

async function decide(family: NimImage['family'], flags: DownloadFlags, profileIds: readonly string[] | 'all' = []) {
  const named = readModelFlags(flags, profileIds.length > 0)
  return await decideDownload(anImage(family), { flags, named, readProfiles: async () => profileIds })
}

it.each<[NimImage['family'], DownloadFlags, readonly string[] | 'all', Download]>([
  ['llm', {}, ['a', 'b'], { form: 'hub', profileIds: ['a', 'b'] }],
  ['nimlib', { all: true }, 'all', { form: 'hub', profileIds: 'all' }],
  ['llm', { flat: true }, ['a'], { form: 'flat', profileId: 'a' }],
  ['native', { all: true }, [], { form: 'native', models: [] }],
  ['native', { modelName: ['x', 'y'] }, [], { form: 'native', models: ['x', 'y'] }],
  ['universal', { modelEndpoint: 'ngc://o/m:1' }, [], { form: 'endpoint', endpoint: 'ngc://o/m:1' }],
  ['universal', { modelUri: 'hf://n/m' }, [], { form: 'uri', uri: 'hf://n/m' }],
  ['llm', { modelUri: 'hf://n/m' }, [], { form: 'uri', uri: 'hf://n/m' }],
])('downloads from %s with %j', async (family, flags, profileIds, download) => {
  expect(await decide(family, flags, profileIds)).toEqual(download)
})

it.each<[NimImage['family'], DownloadFlags, readonly string[] | 'all', string]>([
  ['native', {}, ['a'], 'FAMILY_HAS_NO_SUCH_DOWNLOAD'],
  ['native', { all: true, flat: true }, [], 'FAMILY_HAS_NO_SUCH_DOWNLOAD'],
  ['native', { modelUri: 'hf://n/m' }, [], 'FAMILY_HAS_NO_SUCH_DOWNLOAD'],
  ['universal', { all: true }, [], 'FAMILY_HAS_NO_SUCH_DOWNLOAD'],
  ['llm', { modelName: ['x'] }, [], 'FAMILY_HAS_NO_SUCH_DOWNLOAD'],
  ['llm', { flat: true }, 'all', 'FLAT_TAKES_ONE_PROFILE'],
  ['llm', { flat: true }, ['a', 'b'], 'FLAT_TAKES_ONE_PROFILE'],
  ['universal', { modelUri: 'hf://n/m', modelEndpoint: 'e' }, [], 'MODEL_CHOICE_CONFLICT'],
  ['universal', { modelUri: 'hf://n/m', flat: true }, [], 'MODEL_CHOICE_CONFLICT'],
  ['llm', { modelUri: 'hf://n/m' }, ['a'], 'MODEL_CHOICE_CONFLICT'],
])('refuses from %s: %j', async (family, flags, profileIds, code) => {
  await expect(decide(family, flags, profileIds)).rejects.toMatchObject({ category: 'usage', code })
})
