import { expect, it } from 'vitest'

import { readListingFile } from '../../src/profiles/listing-file.ts'
import { aListing, aProfile, idOf, readList } from './fixtures.ts'

const saved = {
  formatVersion: 1,
  kind: 'ProfileListing',
  ...aListing(aProfile({ section: 'runnable', selected: false, why: 'has tp 2', files: 3 })),
  source: 'docker',
  image: 'nvcr.io/nim/example/standin:1.0',
  imageDigest: 'sha256:00',
}

it('reads saved JSON with its image and selection', () => {
  const { formatVersion: _version, kind: _kind, ...listing } = saved
  expect(readListingFile(JSON.stringify(saved, undefined, 2))).toEqual({ ...listing, source: 'file' })
})

it('forgets what was new or shared when it was saved', () => {
  const [profile] = saved.profiles
  const weighed = { ...profile, shared: { files: 1 }, new: { files: 2 }, bytes: 3 }
  const read = readListingFile(JSON.stringify({ ok: true, ...saved, together: { files: 3 }, profiles: [weighed] }))
  expect(read).not.toHaveProperty('together')
  expect(read).not.toHaveProperty('ok')
  expect(read.profiles).toEqual([{ ...profile, bytes: 3 }])
})

it.each<[string, string, string?]>([
  ["version 1 with ids of the maker's own", `\nMolMIM-1:\n  tags: {tp: '1'}\n`, 'MolMIM-1'],
  ['version 1', `# saved\n${idOf('1')}:\n  tags: {tp: '1'}\n`],
  ['version 1 with quoted ids', `"${idOf('1')}":\n  tags: {tp: '1'}\n`],
  ['version 2', `schema_version: 2.0.0\nprofiles:\n- id: ${idOf('1')}\n  tags: {tp: '1'}\n`],
  ['JSON', JSON.stringify({ [idOf('1')]: { tags: { tp: '1' } } })],
])('reads a manifest: %s', (_, text, id = idOf('1')) => {
  expect(readListingFile(text)).toMatchObject({
    source: 'file',
    profiles: [{ id, tags: { tp: '1' }, section: 'unknown' }],
  })
})

it.each(['llm-1.0', 'nimlib-dict', 'start-log', 'multi-llm'])('reads a list: %s', name => {
  expect(readListingFile(readList(name))).toMatchObject({
    source: 'file',
    profiles: expect.arrayContaining([expect.anything()]),
  })
})

it('reads a list after a log of JSON lines', () => {
  const log = '{"level":"INFO","message":"starting","kind":"x"}\n'
  expect(readListingFile(log + log + readList('llm-1.0')).profiles).toHaveLength(8)
})

it.each([
  ['nothing', '', 'LISTING_EMPTY', /MODEL PROFILES/],
  ['other text', 'model_manifest.yaml not found\n', 'LISTING_EMPTY', /Looked for/],
  ['abbreviated ids', readList('docs-abbreviated'), 'LISTING_EMPTY', /abbreviated/],
  ['a listing without profiles', JSON.stringify({ ...saved, profiles: [] }), 'LISTING_EMPTY', /Looked for/],
  ['another document of nimctl', JSON.stringify({ formatVersion: 1, kind: 'CacheResult' }), 'LISTING_INVALID', /kind/],
  ['a later format', JSON.stringify({ ...saved, formatVersion: 2 }), 'LISTING_INVALID', /formatVersion/],
  ['a damaged listing', JSON.stringify({ ...saved, profiles: [{ id: 1 }] }), 'LISTING_INVALID', /profiles\.0\.id/],
  ['other JSON', '{"replicas": 3}', 'MANIFEST_INVALID', /names no profile/],
])('refuses %s', (_, text, code, why) => {
  expect(() => readListingFile(text)).toThrow(
    expect.objectContaining({ category: 'usage', code, why: expect.stringMatching(why) }),
  )
})
