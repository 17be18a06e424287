import { describe, expect, it } from 'vitest'

import { bytesToCome } from '../../src/cache/bytes-to-come.ts'
import type { CacheEntry } from '../../src/cache/cache-tree.ts'
import type { ManifestFile, ModelManifest } from '../../src/profiles/model-manifest.ts'

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

const unknownHeld: CacheEntry[] = [
  { type: 'file', path: `${snapshot}/unknown`, size: 5, mode: 0o644, modifiedMs: 0, inode: 1 },
]

it.each([
  ['a file of two profiles once', { form: 'hub', profileIds: ['a', 'b'] }, [], 1101],
  ['what lies there not at all, but what only seems to', { form: 'hub', profileIds: ['a', 'b'] }, entries, 1001],
  ['for plain files the download and the copy', { form: 'flat', profileId: 'a' }, [], 202],
  ['nothing where one size is unknown', { form: 'hub', profileIds: 'all' }, [], undefined],
  ['not on the size of what lies there', { form: 'hub', profileIds: ['c'] }, unknownHeld, 1],
  ['nothing where no file is named', { form: 'hub', profileIds: ['d'] }, [], undefined],
  ['nothing where there is no manifest', { form: 'native', models: [] }, [], undefined],
] as const)('counts %s', async (_, download, held, bytes) => {
  expect(await bytesToCome(download, { manifest, tree: { entries: [...held] } })).toBe(bytes)
})

describe('with somebody to ask', () => {
  const asking = (sizes: [string, number][]) => {
    const asked: string[] = []
    const askSizes = async (files: readonly ManifestFile[]) => {
      asked.push(...files.map(({ file: name }) => name))
      return new Map(sizes)
    }
    return { asked, askSizes }
  }
  const all = { form: 'hub', profileIds: 'all' } as const

  it('asks for what the manifest does not tell, and counts it', async () => {
    const { asked, askSizes } = asking([['nim/o/m:1/unknown', 10_000]])
    expect(await bytesToCome(all, { manifest, tree: { entries: [] }, askSizes })).toBe(11_101)
    expect(asked).toEqual(['unknown'])
  })

  it('says nothing where nobody knows', async () => {
    const { askSizes } = asking([])
    expect(await bytesToCome(all, { manifest, tree: { entries: [] }, askSizes })).toBeUndefined()
  })

  it.each([
    ['the manifest tells all', { form: 'hub', profileIds: ['a'] }, []],
    ['what it does not tell lies there', all, unknownHeld],
  ] as const)('asks nobody where %s', async (_, download, held) => {
    const { asked, askSizes } = asking([])
    await bytesToCome(download, { manifest, tree: { entries: [...held] }, askSizes })
    expect(asked).toEqual([])
  })
})
