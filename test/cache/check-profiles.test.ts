import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { checkProfiles } from '../../src/cache/check-profiles.ts'
import { describeModels } from '../../src/cache/models.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { makeHubCache } from '../hub-cache.ts'

const weights = { repository: 'nim/meta/x', version: 'hf-1' }
const engine = { repository: 'nim/meta/x', version: '0.1+l40sx1' }

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'nimctl-check-'))
  await makeHubCache(root, {
    models: [
      { ...weights, files: { 'config.json': '{}', 'deep/tokenizer.json': '{"a":1}', 'empty.txt': '' } },
      { ...engine, files: { 'rank0.engine': 'engine', 'config.json': '{"b":2}' } },
    ],
  })
})

const id = (digit: string) => digit.repeat(64)
const check = async (manifest: string) =>
  checkProfiles(parseModelManifest(manifest).profiles, await scanCacheTree(root))

const v2 = `
schema_version: 2.0.0
profiles:
  - id: ${id('a')}
    workspace:
      files:
        config.json: {uri: "ngc://nim/meta/x:hf-1?file=config.json"}
        deep/tokenizer.json: {uri: "ngc://nim/meta/x:hf-1?file=deep%2Ftokenizer.json"}
        empty.txt: {uri: "ngc://nim/meta/x:hf-1?file=empty.txt"}
        trtllm_engine/rank0.engine: {uri: "ngc://nim/meta/x:0.1+l40sx1?file=rank0.engine"}
  - id: ${id('b')}
    workspace: {files: {config.json: {uri: "ngc://nim/meta/x:hf-2?file=config.json"}}}
  - id: ${id('c')}
    workspace: {files: {config.json: {uri: "ngc://nim/meta/y:hf-1?file=config.json"}}}
`

describe('with a manifest of version 2', () => {
  it('is exact in repository, version and file', async () => {
    expect(await check(v2)).toEqual([
      { id: id('a'), present: true, missing: [] },
      { id: id('b'), present: false, missing: ['nim/meta/x:hf-2/config.json'] },
      { id: id('c'), present: false, missing: ['nim/meta/y:hf-1/config.json'] },
    ])
  })

  it.each([
    ['is removed', (blob: string) => rm(blob)],
    ['was cut to nothing', (blob: string) => truncate(blob)],
  ])('misses a file whose blob %s', async (_, hurt) => {
    const { entries } = await scanCacheTree(root)
    const link = entries.find(({ path }) => path.endsWith('rank0.engine'))
    await hurt(join(root, link?.type === 'link' ? (link.resolved ?? '') : ''))
    const [profile] = await check(v2)
    expect(profile).toEqual({ id: id('a'), present: false, missing: ['nim/meta/x:0.1+l40sx1/rank0.engine'] })
  })

  it('takes caches whose links were resolved', async () => {
    const snapshot = join(root, 'ngc/hub/models--nim--meta--x/snapshots/hf-2')
    await mkdir(snapshot, { recursive: true })
    await writeFile(join(snapshot, 'config.json'), '{}')
    expect((await check(v2))[1]?.present).toBe(true)
  })

  it('misses what a link outside leads to', async () => {
    const link = join(root, 'ngc/hub/models--nim--meta--x/snapshots/hf-2/config.json')
    await mkdir(dirname(link), { recursive: true })
    await symlink('/etc/hostname', link)
    expect((await check(v2))[1]?.present).toBe(false)
  })
})

describe('with a manifest of version 1', () => {
  const v1 = (repository: string, files: string[]) => `
${id('d')}:
  model: meta/x
  workspace: !workspace
    components:
    - dst: ''
      src: {${repository} files: [config.json, deep/tokenizer.json]}
    - dst: trtllm_engine
      src: {${repository} files: [${files.join(', ')}]}
`

  it.each([
    ['with a repository', 'repo_id: nim/meta/x,', ['config.json', 'rank0.engine'], true],
    ['without one', '', ['config.json', 'rank0.engine'], true],
    ['with another repository', 'repo_id: nim/meta/y,', ['rank0.engine'], false],
    ['with files that no snapshot has together', '', ['deep/tokenizer.json', 'rank0.engine'], false],
  ])('goes by snapshots that hold a component, %s', async (_, repository, files, present) => {
    expect(await check(v1(repository, files))).toMatchObject([{ present }])
  })

  it('names what the nearest snapshot misses', async () => {
    expect(await check(v1('', ['config.json', 'rank0.engine', 'rank1.engine']))).toMatchObject([
      { missing: ['rank1.engine'] },
    ])
  })
})

it('describes the snapshots', async () => {
  expect(describeModels(await scanCacheTree(root))).toEqual([
    { name: 'nim/meta/x', version: '0.1+l40sx1', files: 2, bytes: 13 },
    { name: 'nim/meta/x', version: 'hf-1', files: 3, bytes: 9 },
  ])
})
