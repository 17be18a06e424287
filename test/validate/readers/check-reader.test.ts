import { describe, expect, it } from 'vitest'

import type { InventoryHeader } from '../../../src/inventory/inventory.ts'
import { openCheckLog, type Check } from '../../../src/system/check.ts'
import { NimctlError } from '../../../src/system/errors.ts'
import type { NamedObject } from '../../../src/transfer/compare.ts'
import { checkReader, storeUrlFor } from '../../../src/validate/readers/check-reader.ts'
import type { ReaderName } from '../../../src/validate/readers/reader.ts'
import { openMemoryStore } from '../../transfer/memory-store.ts'

const { signal } = new AbortController()

interface Case {
  reader: ReaderName
  url: string
  /** Sizes by key, below the prefix. */
  objects?: Record<string, number>
  /** The same in the folder above. */
  above?: Record<string, number>
  header?: Partial<InventoryHeader> | false
  /** By default all objects but what a case calls extra. */
  named?: string[]
  contentType?: string
  /** What listing the folder above ends with. */
  denied?: NimctlError
  only?: string[]
}

const cacheFiles = {
  'ngc/hub/models--a/blobs/1': 4,
  'ngc/hub/models--a/snapshots/v/config.json': 4,
}
const tarFiles = { 'cache.tar': 10_240 }

async function read({
  reader,
  url,
  objects = cacheFiles,
  above = {},
  header = {},
  named,
  contentType,
  denied,
  only,
}: Case) {
  const store = openMemoryStore()
  const folder = openMemoryStore()
  for (const [key, size] of Object.entries(objects)) store.place(key, Buffer.alloc(size))
  for (const [key, size] of Object.entries(above)) folder.place(key, Buffer.alloc(size))
  const stat: typeof store.stat = async (key, options) => {
    const object = await store.stat(key, options)
    return object === undefined ? undefined : { ...object, ...(contentType !== undefined && { contentType }) }
  }
  const opened: string[] = []
  let lists = 0
  const list: typeof store.list = (...args) => {
    lists += 1
    return store.list(...args)
  }
  const log = openCheckLog({ failOn: 'failed', ...(only !== undefined && { only }) })
  await checkReader({
    store: { ...store, stat, list },
    readAs: {
      name: reader,
      url,
      openFolder: async at => {
        opened.push(at.href)
        return denied === undefined ? folder : { ...folder, list: () => Promise.reject(denied) }
      },
    },
    ...(header !== false && { header: { ...usualHeader, files: Object.keys(objects).length, ...header } }),
    named: nameAll(header === false ? [] : (named ?? Object.keys(objects)), objects),
    checks: log,
    signal,
  })
  const checks = await Array.fromAsync(log.report('x', noSummary).checks)
  await log.close()
  return { checks, opened, lists, bad: checks.filter(({ status }) => status !== 'ok').map(outline) }
}

const noSummary = { models: [], profiles: [], files: 0, bytes: 0 }
const usualHeader: InventoryHeader = {
  formatVersion: 1,
  kind: 'Inventory',
  tool: 'nimctl/test',
  family: 'llm',
  profiles: [{ id: 'a'.repeat(64), tags: { feat_lora: 'false' } }],
  models: [],
  layout: 'cache',
  links: 'copy',
  files: 0,
  bytes: 0,
}

async function* nameAll(keys: readonly string[], sizes: Record<string, number>): AsyncGenerator<NamedObject> {
  for (const key of keys) {
    const kind = key.includes('/blobs/') ? 'blob' : key.includes('/snapshots/') ? 'link' : 'file'
    yield { key, expected: { kind, size: sizes[key] ?? 1, crc32c: '00000000' } }
  }
}

function outline({ name, status, path }: Check): string {
  return `${name} ${status}${path === undefined ? '' : ` ${path}`}`
}

const azure = 'https://acct.blob.core.windows.net/models'

describe('is content with', () => {
  it.each<Case>([
    { reader: 'kserve', url: 's3://b/llama/' },
    { reader: 'kserve', url: 's3://b/llama', above: { 'llama/config.json': 4 } },
    { reader: 'kserve', url: 's3://b' },
    { reader: 'kserve', url: 'gs://b/llama', objects: { ...cacheFiles, empty: 0 } },
    { reader: 'kserve', url: `${azure}/llama`, above: { 'llama/config.json': 4 } },
    {
      reader: 'kserve',
      url: 's3://b/llama/cache.tar',
      objects: tarFiles,
      header: { layout: 'tar', links: 'record', files: 9 },
    },
    {
      reader: 'kserve',
      url: 'https://host/llama/cache.tar',
      objects: tarFiles,
      header: { layout: 'tar', links: 'record', files: 9 },
      contentType: 'application/x-tar; charset=binary',
    },
    { reader: 'kserve', url: 's3://b/plain/', objects: { 'a.zip': 1, b: 1 }, header: { layout: 'plain' } },
    { reader: 'hm', url: 's3://b/model-cache/nim-nvidia-llama/' },
    {
      reader: 'aws-sync',
      url: 's3://b/llama',
      objects: { ...cacheFiles, empty: 0, 'folder/': 0 },
      named: [...Object.keys(cacheFiles), 'empty'],
      above: { 'llama-b/x': 1 },
    },
    { reader: 'aws-sync', url: 's3://b/plain', header: { layout: 'plain', links: 'record', files: 2 } },
    {
      reader: 'nim',
      url: 's3://nim-mirror/',
      objects: { 'nim%2Fmeta%2Fllama%3Ahf%3Ffile%3Dconfig.json': 4 },
      header: { layout: 'ngc' },
    },
  ])('$reader $url', async one => {
    const { bad, checks } = await read(one)
    expect(bad).toEqual([])
    expect(checks.map(({ name }) => name)).toContain('reader.arrives')
  })
})

describe('finds', () => {
  it.each<Case & { finds: string[] }>([
    {
      reader: 'kserve',
      url: 's3://b/x/llama',
      above: { 'llama/a': 1, 'llama-lora/a': 1, 'llama-b/empty': 0, llama2: 1 },
      finds: ['reader.sibling failed x/llama-lora/a'],
    },
    // The object alone would arrive.
    {
      reader: 'kserve',
      url: 's3://b/llama',
      above: { 'llama/a': 1, llama: 1 },
      finds: ['reader.sibling failed llama'],
    },
    { reader: 'hm', url: 's3://b/llama', above: { 'llama-lora/a': 1 }, finds: ['reader.sibling failed llama-lora/a'] },
    {
      reader: 'kserve',
      url: `${azure}/llama/`,
      above: { 'llama-lora/a': 1 },
      finds: ['reader.sibling failed llama-lora/a'],
    },
    {
      reader: 'kserve',
      url: `${azure}/llama/cache.tar`,
      objects: tarFiles,
      header: { layout: 'tar' },
      above: { 'cache.tar': 1, 'cache.tar.md5': 1 },
      finds: ['reader.sibling failed llama/cache.tar.md5'],
    },
    {
      reader: 'kserve',
      url: 's3://b/llama/',
      objects: { ...cacheFiles, empty: 0 },
      finds: ['reader.empty-file failed empty'],
    },
    {
      reader: 'hm',
      url: `${azure}/llama`,
      objects: { ...cacheFiles, empty: 0 },
      finds: ['reader.empty-file failed empty'],
    },
    { reader: 'kserve', url: 's3://b/llama/', header: { links: 'record', files: 3 }, finds: ['reader.links failed'] },
    { reader: 'aws-sync', url: 's3://b/llama/', header: { links: 'record', files: 3 }, finds: ['reader.links failed'] },
    {
      reader: 'kserve',
      url: 's3://b/tar/',
      objects: tarFiles,
      header: { layout: 'tar' },
      finds: ['reader.archive failed s3://b/tar/', 'reader.unpacked failed cache.tar'],
    },
    {
      reader: 'kserve',
      url: 's3://b/llama/cache.tar',
      objects: cacheFiles,
      finds: ['reader.archive failed s3://b/llama/cache.tar'],
    },
    { reader: 'kserve', url: 'https://host/llama', finds: ['reader.one-file failed https://host/llama'] },
    {
      reader: 'hm',
      url: 'https://host/model-cache/llama/',
      finds: ['reader.one-file failed https://host/model-cache/llama/'],
    },
    {
      reader: 'kserve',
      url: 'https://host/tar/cache.tar',
      objects: tarFiles,
      header: { layout: 'tar' },
      contentType: 'text/plain',
      finds: ['reader.content-type failed https://host/tar/cache.tar'],
    },
    {
      reader: 'kserve',
      url: 'https://host/tar/cache.tar',
      objects: tarFiles,
      header: { layout: 'tar' },
      finds: ['reader.content-type failed https://host/tar/cache.tar'],
    },
    { reader: 'kserve', url: 's3://b/a%2Bb/', finds: ['reader.address failed s3://b/a%2Bb/'] },
    { reader: 'kserve', url: 'gs://b', finds: ['reader.address failed gs://b'] },
    { reader: 'kserve', url: 'az://c/llama', finds: ['reader.address failed az://c/llama'] },
    { reader: 'kserve', url: azure, finds: [`reader.address failed ${azure}`] },
    { reader: 'kserve', url: 'hdfs://nn:8020/llama', finds: ['reader.address failed hdfs://nn:8020/llama'] },
    { reader: 'kserve', url: 'webhdfs://nn:9870/llama', finds: ['reader.address failed webhdfs://nn:9870/llama'] },
    { reader: 'kserve', url: 'swebhdfs://nn/llama', finds: ['reader.address failed swebhdfs://nn/llama'] },
    { reader: 'kserve', url: 'hdfs:///llama', finds: ['reader.address warning hdfs:///llama'] },
    { reader: 'hm', url: 'hdfs://nn:8020/llama', finds: ['reader.address not-provable hdfs://nn:8020/llama'] },
    {
      reader: 'kserve',
      url: 's3://b/x/',
      objects: { 'm.tar.gz': 5 },
      header: false,
      finds: ['reader.unpacked failed m.tar.gz'],
    },
    {
      reader: 'kserve',
      url: 'gs://b/llama',
      objects: { a: 1, 'a-b': 1, 'a/b': 1, 'a/c': 1, ab: 1 },
      header: { layout: 'plain' },
      finds: ['reader.collision failed a'],
    },
    { reader: 'aws-sync', url: 's3://b/llama', objects: { a: 0, 'a/b': 1 }, finds: ['reader.collision failed a'] },
    { reader: 'aws-sync', url: 's3://b/llama', objects: { 'a/': 3 }, finds: ['reader.folder-key failed a/'] },
    {
      reader: 'kserve',
      url: 's3://b/llama/',
      objects: { 'a/': 3, b: 1 },
      named: ['b'],
      finds: ['reader.folder-key warning a/'],
    },
    { reader: 'kserve', url: `${azure}/llama`, objects: { 'a/': 3 }, finds: ['reader.folder-key failed a/'] },
    {
      reader: 'aws-sync',
      url: 's3://b/llama',
      objects: { 'a/../../b': 3 },
      finds: ['reader.parent-key failed a/../../b'],
    },
    {
      reader: 'nim',
      url: 's3://mirror',
      objects: {
        'nim/meta/llama:hf?file=config.json': 4,
        'nim%252Fmeta%252Fllama%253Ahf%253Ffile%253Da': 4,
        'other%2Fthing': 1,
      },
      header: { layout: 'ngc' },
      finds: [
        'reader.key failed nim%252Fmeta%252Fllama%253Ahf%253Ffile%253Da',
        'reader.key failed nim/meta/llama:hf?file=config.json',
      ],
    },
    {
      reader: 'nim',
      url: 's3://nim_bucket/',
      objects: {},
      header: { layout: 'ngc' },
      finds: ['reader.bucket-name warning s3://nim_bucket/'],
    },
  ])('$finds with $reader $url', async ({ finds, ...one }) => {
    expect((await read(one)).bad.toSorted()).toEqual(finds)
  })
})

describe('the depth of Hybrid Manager', () => {
  const at = (folder: string) =>
    Object.fromEntries(Object.entries(cacheFiles).map(([key, size]) => [folder + key, size]))
  it.each([
    {
      what: 'the folder above',
      url: 's3://b/model-cache/',
      folder: 'nim-x/',
      finds: 'reader.depth failed',
      next: 's3://b/model-cache/nim-x/',
    },
    {
      what: 'twice',
      url: 's3://b/model-cache/nim-x/',
      folder: 'nim-x/',
      finds: 'reader.doubled failed',
      next: 's3://b/model-cache/nim-x/nim-x/',
    },
    {
      what: 'the folder above of twice',
      url: 's3://b/model-cache/',
      folder: 'nim-x/nim-x/',
      finds: 'reader.doubled failed',
      next: 's3://b/model-cache/nim-x/nim-x/',
    },
    {
      what: 'twice, and named so',
      url: 's3://b/model-cache/nim-x/nim-x/',
      folder: '',
      finds: 'reader.doubled warning',
      next: 'works',
    },
  ])('tells $what', async ({ url, folder, finds, next }) => {
    const { checks } = await read({ reader: 'hm', url, objects: at(folder), header: { layout: 'plain' } })
    const bad = checks.filter(({ status }) => status !== 'ok')
    expect(bad.map(outline)).toEqual([`${finds} ${url}`])
    expect(bad[0]?.next).toContain(next)
  })

  it.each([
    { url: 's3://b/nim-x/ngc/', objects: { 'hub/models--a/blobs/1': 1 }, next: 'one above' },
    { url: 's3://b/nim-x/ngc/hub/', objects: { 'models--a/blobs/1': 1 }, next: 'two above' },
    { url: 's3://b/nim-x/', objects: { 'config.json': 1 }, next: 'Fill it' },
  ])('tells what is wrong below $url', async ({ url, objects, next }) => {
    const { checks } = await read({ reader: 'hm', url, objects, header: { layout: 'plain' } })
    const bad = checks.filter(({ status }) => status !== 'ok')
    expect(bad).toMatchObject([{ name: 'reader.depth', status: 'failed', next: expect.stringContaining(next) }])
  })

  it('is known without an inventory, too', async () => {
    const { bad } = await read({ reader: 'hm', url: 's3://b/m/', objects: at('nim-x/'), header: false })
    expect(bad).toEqual(['reader.depth failed s3://b/m/'])
  })

  it.each([
    { url: 's3://b/nim-x/', header: { family: 'native' }, objects: { 'model.plan': 1 } },
    { url: 's3://b/nim-x/', header: { form: 'flat' as const }, objects: { 'config.json': 1 } },
    { url: 's3://b/nim-x/cache.tar', header: { layout: 'tar' as const }, objects: tarFiles },
  ])('is nothing that its how-to tells of $header', async ({ url, header, objects }) => {
    expect((await read({ reader: 'hm', url, header, objects })).bad).toEqual([`reader.depth not-provable ${url}`])
  })
})

it.each([
  { profiles: [lora('1')], bad: ['reader.lora-only failed'] },
  { profiles: [lora('1'), { id: '2', tags: {} }], bad: [] },
  { profiles: [{ id: '3', description: 'vllm-bf16-tp1-pp1-lora', tags: {} }], bad: ['reader.lora-only failed'] },
  { profiles: [], bad: [] },
])('Hybrid Manager needs a profile without LoRA: $bad', async ({ profiles, bad }) => {
  expect((await read({ reader: 'hm', url: 's3://b/nim-x/', header: { profiles } })).bad).toEqual(bad)
})

function lora(id: string) {
  return { id, tags: { feat_lora: 'True' } }
}

it('says how much arrives, and how many copies in place of links', async () => {
  const { checks } = await read({ reader: 'aws-sync', url: 's3://b/llama' })
  const arrives = checks.find(({ name }) => name === 'reader.arrives')
  expect(arrives?.found).toBe('2 objects with 8 bytes; 1 of them are copies in place of links, 4 bytes')
})

it.each([
  { url: 's3://b/x/llama', opens: ['s3://b/x/'] },
  { url: 's3://b/llama', opens: ['s3://b/'] },
  { url: 's3://b/llama/', opens: [] },
  { url: 's3://b/', opens: [] },
  { url: `${azure}/x/llama/?sv=1&sig=2`, opens: [`${azure}/x/?sv=1&sig=2`] },
  { url: `${azure}/llama`, opens: [`${azure}/`] },
])('looks for neighbours of $url in $opens', async ({ url, opens }) => {
  expect((await read({ reader: 'kserve', url })).opened).toEqual(opens)
})

it('lists nothing for checks that nobody asked for', async () => {
  const { opened, checks, lists } = await read({ reader: 'kserve', url: 's3://b/llama', only: ['reader.address'] })
  expect({ opened, checks, lists }).toEqual({ opened: [], checks: [], lists: 0 })
})

it('leaves open whether there are neighbours where they may not be listed', async () => {
  const denied = new NimctlError('auth', 'ACCESS_DENIED', { what: 'Access denied.' })
  const { checks } = await read({ reader: 'kserve', url: 's3://b/llama', denied })
  expect(checks.filter(({ status }) => status !== 'ok')).toMatchObject([
    { name: 'reader.sibling', status: 'not-provable', found: 'Access denied.' },
  ])
  const gone = new NimctlError('unavailable', 'STORE_UNREACHABLE', { what: 'Gone.' })
  await expect(read({ reader: 'kserve', url: 's3://b/llama', denied: gone })).rejects.toBe(gone)
})

it.each([
  { reader: 'nim', layout: 'cache', says: 'a raw cache' },
  { reader: 'nim', layout: 'tar', says: 'layout tar' },
  { reader: 'kserve', layout: 'ngc', says: 'a mirror of NGC' },
  { reader: 'hm', layout: 'ngc', says: 'a mirror of NGC' },
  { reader: 'aws-sync', layout: 'ngc', says: 'a mirror of NGC' },
] as const)('$reader and layout $layout do not go together', async ({ reader, layout, says }) => {
  const reading = read({ reader, url: 's3://bucket/', header: { layout } })
  await expect(reading).rejects.toMatchObject({ category: 'usage', code: 'READER_LAYOUT' })
  await expect(reading).rejects.toThrow(says)
})

it('a raw cache without an inventory is no mirror for a NIM either', async () => {
  await expect(read({ reader: 'nim', url: 's3://bucket/', header: false })).rejects.toMatchObject({
    code: 'READER_LAYOUT',
    message: expect.stringContaining('a raw cache'),
  })
})

it.each([
  { reader: 'nim', url: 's3://bucket/prefix', code: 'OVERRIDE_PREFIX' },
  { reader: 'nim', url: 'gs://bucket', code: 'OVERRIDE_NEEDS_S3' },
  { reader: 'kserve', url: 'file:///mnt/cache', code: 'READER_STORE' },
  { reader: 'hm', url: 'file:///mnt/cache', code: 'READER_STORE' },
  { reader: 'aws-sync', url: 'gs://bucket/llama', code: 'READER_STORE' },
] as const)('$reader and $url do not go together: $code', ({ reader, url, code }) => {
  expect(() => storeUrlFor(reader, url)).toThrow(expect.objectContaining({ category: 'usage', code }))
})

it.each([
  ['s3://b/llama/cache.tar', 's3://b/llama/'],
  ['s3://b/cache.tar/', 's3://b/cache.tar/'],
  ['s3://b/my-cache.tar', 's3://b/my-cache.tar'],
  [`${azure}/x/cache.tar?sig=1`, `${azure}/x/?sig=1`],
] as const)('the store of %s is %s', (url, store) => {
  expect(storeUrlFor('kserve', url)).toBe(store)
})

it.each([
  ['s3://b/model-cache/nim-nvidia-nvclip/', ['ok']],
  ['s3://b/model-cache/nim-nvidia-other/', ['warning']],
  ['s3://b/model-cache/clip/', []],
])('tells Hybrid Manager of %s whether the folder is that of its model', async (url, statuses) => {
  const { checks } = await read({ reader: 'hm', url, header: { image: 'registry.internal/nim/nvidia/nvclip:1' } })
  const found = checks.filter(({ name }) => name === 'reader.folder')
  expect(found.map(({ status }) => status)).toEqual(statuses)
})
