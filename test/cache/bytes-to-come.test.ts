import { expect, it } from 'vitest'

import { bytesToCome } from '../../src/cache/bytes-to-come.ts'
import type { CacheEntry } from '../../src/cache/cache-tree.ts'
import type { ModelManifest } from '../../src/profiles/model-manifest.ts'

const file = (name: string, size?: number) => ({
  path: name,
  repository: 'nim/o/m',
  version: '1',
  file: name,
  ...(size !== undefined && { size }),
})
const manifest: ModelManifest = {
  schemaVersion: 2,
  profiles: [
    { id: 'a', tags: {}, files: [file('config.json', 1), file('deep%2Fweights', 100)] },
    { id: 'b', tags: {}, files: [file('config.json', 1), file('engine', 1000)] },
    { id: 'c', tags: {}, files: [file('config.json', 1), file('unknown')] },
    { id: 'd', tags: {}, files: [] },
  ],
}
const snapshot = 'ngc/hub/models--nim--o--m/snapshots/1'
const entries: CacheEntry[] = [
  { type: 'link', path: `${snapshot}/deep/weights`, target: '../../../blobs/x', resolved: 'blob' },
  { type: 'link', path: `${snapshot}/engine`, target: '../../blobs/y' },
]

it.each([
  ['a file of two profiles once', { form: 'hub', profileIds: ['a', 'b'] }, [], 1101],
  ['what lies there not at all, but what only seems to', { form: 'hub', profileIds: ['a', 'b'] }, entries, 1001],
  ['for plain files the download and the copy', { form: 'flat', profileId: 'a' }, [], 202],
  ['nothing where one size is unknown', { form: 'hub', profileIds: 'all' }, [], undefined],
  ['nothing where no file is named', { form: 'hub', profileIds: ['d'] }, [], undefined],
  ['nothing where there is no manifest', { form: 'native', models: [] }, [], undefined],
] as const)('counts %s', (_, download, held, bytes) => {
  expect(bytesToCome(download, { manifest, tree: { entries: [...held] } })).toBe(bytes)
})
