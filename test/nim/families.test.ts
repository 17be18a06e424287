import { expect, it } from 'vitest'

import { downloadUtilities, type FamilyEvidence, recogniseFamily } from '../../src/nim/families.ts'

const usual = '/opt/nim/etc/default/model_manifest.yaml'
const label = 'com.nvidia.nim.model_download_protocol'

it.each<[string, Partial<FamilyEvidence>, string | undefined]>([
  ['the label', { labels: { [label]: 'native-v1' } }, 'native'],
  ['another value of the label', { labels: { [label]: 'native-v2' } }, undefined],
  ['nothing', {}, undefined],
  ['an old place', { manifest: { path: '/etc/nim/config/model_manifest.yaml', text: '' } }, 'nimlib'],
  ['the tag llm_engine', { manifest: { path: usual, text: 'x:\n  tags:\n    llm_engine: vllm\n' } }, 'llm'],
  ['the tag in a flow map', { manifest: { path: usual, text: 'tags: {"llm_engine": vllm}' } }, 'llm'],
  ['other tags', { manifest: { path: usual, text: 'tags:\n  model_type: prebuilt\n' } }, 'nimlib'],
  ['nim-serve', { command: ['nim-serve'], manifest: { path: usual, text: '' } }, 'llm'],
])('tells the family by %s', (_, evidence, family) => {
  expect(recogniseFamily({ labels: {}, env: [], entrypoint: [], command: [], ...evidence })).toBe(family)
})

it('starts the download as each family wants it', () => {
  expect(downloadUtilities('llm', 'all')).toEqual([{ command: ['download-to-cache', '--all'] }])
  expect(downloadUtilities('nimlib', ['a', 'b'])[0]).toEqual({
    entrypoint: ['nim_download_to_cache'],
    command: ['--profiles', 'a', 'b'],
  })
  expect(downloadUtilities('native', 'all')).toEqual([])
})
