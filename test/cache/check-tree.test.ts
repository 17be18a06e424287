import { createHash } from 'node:crypto'
import { chmod, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import { beforeEach, describe, expect, it } from 'vitest'

import { sumContents } from '../../src/cache/check-contents.ts'
import { checkTree, type Expectation } from '../../src/cache/check-tree.ts'
import { describeModels } from '../../src/cache/models.ts'
import { openModes } from '../../src/cache/open-modes.ts'
import { readOwnSums, writeOwnSums } from '../../src/cache/own-sums.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import { silent } from '../../src/system/progress.ts'
import { makeHubCache, temporaryDirectory } from '../hub-cache.ts'

const { signal } = new AbortController()

let root: string
beforeEach(async () => {
  root = await temporaryDirectory()
})

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), content)
}

async function failures(changes: Partial<Expectation> = {}) {
  const expectation: Expectation = { form: 'native', profiles: [], ownSums: new Map(), ...changes }
  const checks = await checkTree(await scanCacheTree(root), expectation)
  return checks.filter(({ status }) => status !== 'ok').map(({ name, path }) => [name, path])
}

describe('a directory of plain files', () => {
  it('misses the shards that an index names', async () => {
    await write('embed/model.safetensors.index.json', '{"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}')
    await write('embed/s1.safetensors', '1')
    expect(await failures()).toEqual([['cache.file-missing', 'embed/s2.safetensors']])
    // Of TensorRT-LLM profiles the index dangles (reference/nim.md 4.1).
    await write('embed/rank0.engine', '1')
    expect(await failures()).toEqual([])
  })

  it.each(['no JSON', '[]', '{"weight_map":3}', '{"weight_map":{"a":3}}'])(
    'bears an index that is none: %s',
    async text => {
      await write('model.safetensors.index.json', text)
      expect(await failures()).toEqual([])
    },
  )

  it('misses what lay there when it was filled', async () => {
    await write('embed/config.json', '{}')
    expect(await failures({ ownSums: new Map([['embed/gone', '0']]) })).toEqual([['cache.file-missing', 'embed/gone']])
  })

  it('is no model when it is empty', async () => {
    expect(await failures()).toEqual([['cache.layout', undefined]])
  })

  it('is whole for a profile when every file lies at its path in the workspace', async () => {
    await write('trtllm_engine/rank0.engine', '1')
    const files = ['trtllm_engine/rank0.engine', 'config.json'].map(path => ({ path, file: 'x' }))
    const profiles = [{ id: 'a', tags: {}, files }]
    expect(await failures({ form: 'flat', profiles })).toEqual([
      ['cache.profile', 'a'],
      ['cache.file-missing', 'config.json'],
    ])
    await write('config.json', '{}')
    expect(await failures({ form: 'flat', profiles })).toEqual([])
  })
})

describe('engines that were built on the spot', () => {
  const manifest = (name: string) => `schema_version: 2.0.0\nprofiles:\n  - id: abc\n    tags: {model_name: ${name}}\n`

  beforeEach(() => makeHubCache(root))

  it('belong to the cache as their manifest names them', async () => {
    await write('local_cache/70b-trt/trtllm_engine/rank0.engine', '1')
    await write('local_cache/local_manifest.yaml', manifest('70b-trt'))
    expect(await failures({ form: 'hub' })).toEqual([])
    await rm(join(root, 'local_cache/70b-trt'), { recursive: true })
    expect(await failures({ form: 'hub' })).toEqual([['cache.local-model', 'local_cache/70b-trt']])
  })

  it('have a manifest that can be read', async () => {
    await write('local_cache/local_manifest.yaml', ': : :')
    expect(await failures({ form: 'hub' })).toEqual([['cache.local-model', 'local_cache/local_manifest.yaml']])
  })
})

describe('checksums of its own', () => {
  const sum = async () => {
    const ownSums = await readOwnSums(root)
    return await sumContents(await scanCacheTree(root), { ownSums, concurrency: 2, signal, report: silent })
  }

  it('find the one file that has changed, and a link to it', async () => {
    await write('.nimctl/x', '')
    await write('a', 'one')
    await write('deep/b', 'two')
    await symlink('../a', join(root, 'deep/link'))
    const { sums } = await sum()
    expect([...sums.keys()]).toEqual(['a', 'deep/b', 'deep/link'])
    expect(sums.get('deep/link')).toBe(sums.get('a'))
    await writeOwnSums(root, sums)
    await write('a', 'eno')
    expect((await sum()).checks).toMatchObject([
      { path: 'a', status: 'failed', expected: expect.stringMatching(/^blake3 /) },
      { path: 'deep/b', status: 'ok' },
    ])
  })

  it('leave out what a later run may rightly change', async () => {
    for (const path of ['model_manifest.json', 'hub/refs/main', 'hub/version.txt', 'x.lock', 'y'])
      await write(path, path)
    expect([...(await sum()).sums.keys()]).toEqual(['y'])
  })

  it.each([
    ['as Git names it', (text: string) => createHash('sha1').update(`blob ${text.length}\0${text}`).digest('hex')],
    ['by its SHA-256', (text: string) => createHash('sha256').update(text).digest('hex')],
  ])('are not needed for a blob of Hugging Face, which is named %s', async (_, name) => {
    const blob = `huggingface/hub/hub/models--n--m/blobs/${name('content')}`
    await write(blob, 'content')
    expect((await sum()).checks).toMatchObject([{ status: 'ok' }])
    await write(blob, 'c0ntent')
    expect((await sum()).checks).toMatchObject([{ status: 'failed', path: blob }])
  })
})

it('opens what only its owner may read, and leaves the rest of the modes as they are', async () => {
  await write('closed/file', '1')
  await write('script', '1')
  await chmod(join(root, 'closed/file'), 0o600)
  await chmod(join(root, 'closed'), 0o700)
  await chmod(join(root, 'script'), 0o750)
  expect(await openModes(root)).toEqual([])
  const modes = await Promise.all(['closed', 'closed/file', 'script'].map(path => stat(join(root, path))))
  expect(modes.map(({ mode }) => (mode & 0o777).toString(8))).toEqual(['755', '644', '755'])
})

it('tells the models of every form', async () => {
  await write('huggingface/hub/hub/models--n--m/snapshots/abc/config.json', '{}')
  await write('embed/config.json', '{"a":1}')
  const tree = await scanCacheTree(root)
  expect(describeModels(tree, 'uri')).toEqual([{ name: 'n/m', version: 'abc', files: 1, bytes: 2 }])
  expect(describeModels(tree, 'native').map(({ name }) => name)).toEqual(['embed', 'huggingface'])
  expect(describeModels(tree, 'flat', 'whole')).toEqual([{ name: 'whole', version: '', files: 2, bytes: 9 }])
})
