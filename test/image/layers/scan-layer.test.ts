import { zstdCompressSync } from 'node:zlib'

import { Header } from 'tar/header'
import { Pax } from 'tar/pax'
import { expect, it } from 'vitest'

import { tar, type TarEntry } from '../../../fixtures/stand-in/tar.ts'
import { findFile } from '../../../src/image/layers/find-file.ts'
import type { Layer } from '../../../src/image/layers/layer.ts'
import { digestOf, file, link } from '../built-image.ts'

const signal = new AbortController().signal
const places = ['/opt/nim/etc/default/m.yaml', '/etc/nim/config/m.yaml']
const [first, second] = places as [string, string]

interface Plan {
  entries?: TarEntry[]
  stored?: Buffer
  /** Bytes, as the manifest says. */
  size?: number
  createdBy?: string
}

/** Layers that note when they are read, and how far. */
function stack(plans: Plan[]): { layers: Layer[]; read: number[]; bytes: () => number } {
  const read: number[] = []
  let bytes = 0
  const layers = plans.map(({ entries = [], stored = tar(entries), size, createdBy = '' }, index): Layer => ({
    digest: digestOf(stored),
    digestOf: 'stored',
    size: size ?? stored.length,
    createdBy,
    async *open() {
      read.push(index)
      for (let at = 0; at < stored.length; at += 1000) {
        bytes += Math.min(1000, stored.length - at)
        yield stored.subarray(at, at + 1000)
      }
    },
  }))
  return { layers, read, bytes: () => bytes }
}

async function find(plans: Plan[], paths: readonly string[] = places) {
  const { layers, read, bytes } = stack(plans)
  const found = await findFile(layers, paths, { image: 'image', signal })
  return { path: found?.path, text: found?.bytes.toString('utf8'), unread: found?.unread.length, read, bytes: bytes() }
}

const at = (path: string, content: string) => ({ entries: [file(path, content)] })
const holds = (...paths: string[]) => ({ entries: paths.map(path => file(path, '')) })
const directory = (path: string): TarEntry => ({ type: 'directory', path })
const large = 1024 ** 3

it.each<[string, Plan[], string | undefined]>([
  ['the upper of two files', [at(first, 'old'), at(first, 'new')], 'new'],
  ['the place that comes first', [at(first, 'usual'), at(second, 'older')], 'usual'],
  ['the other place where that is all', [at(second, 'older'), holds('bin/sh')], 'older'],
  ['nothing where an upper layer removes it', [at(first, 'x'), holds('opt/nim/etc/default/.wh.m.yaml')], undefined],
  ['nothing where a directory above it goes', [at(first, 'x'), holds('opt/.wh.nim')], undefined],
  ['nothing where a directory begins anew', [at(first, 'x'), holds('opt/nim/.wh..wh..opq')], undefined],
  ['nothing where the whole begins anew', [at(first, 'x'), holds('.wh..wh..opq')], undefined],
  ['nothing where a file takes the place of a directory', [at(first, 'x'), at('opt/nim', 'file')], undefined],
  ['nothing where a directory takes its place', [at(first, 'x'), { entries: [directory(first.slice(1))] }], undefined],
  ['what lies below removals of others', [at(first, 'x'), holds('opt/.wh.nimble', 'etc/.wh..wh..opq')], 'x'],
  ['what comes after a removal', [at(first, 'x'), holds('opt/.wh.nim'), at(first, 'again')], 'again'],
  [
    'what a layer holds and also removes from below',
    [at(first, 'x'), { entries: [file(first, 'own'), file('opt/nim/.wh..wh..opq', '')] }],
    'own',
  ],
  [
    'the same, told in the other order',
    [at(first, 'x'), { entries: [file('opt/nim/.wh..wh..opq', ''), file(first, 'own')] }],
    'own',
  ],
  ['the other place where the first was removed', [at(second, 'b'), at(first, 'x'), holds('opt/.wh.nim')], 'b'],
  ['behind a link', [at('data/m', 'linked'), { entries: [link(first, '/data/m')] }], 'linked'],
  ['behind a relative link', [at('opt/nim/etc/m', 'linked'), { entries: [link(first, '../m')] }], 'linked'],
  ['behind a link above it', [at('data/default/m.yaml', 'x'), { entries: [link('/opt/nim/etc', '/data')] }], 'x'],
  ['behind links to links', [at('b', 'x'), { entries: [link('a', 'b')] }, { entries: [link(first, '/a')] }], 'x'],
  ['nothing behind a link to nothing', [{ entries: [link(first, '/absent')] }], undefined],
  ['nothing behind links in a circle', [{ entries: [link(first, '/a'), link('a', first)] }], undefined],
  ['nothing in no layers', [], undefined],
])('finds %s', async (_, plans, text) => {
  expect((await find(plans)).text).toBe(text)
})

it('reads what build steps name first, then small layers from above, and no more than it needs', async () => {
  const noise = holds('bin/sh')
  const named = { ...at(first, 'x'), createdBy: 'COPY m.yaml /opt/nim/etc/default/ # buildkit' }
  expect(await find([noise, named, { ...noise, size: large }, noise])).toMatchObject({ read: [1, 3], text: 'x' })
  expect(await find([noise, at(first, 'x'), noise, noise])).toMatchObject({ read: [3, 2, 1] })
})

it('leaves large layers above a found file alone, and says so', async () => {
  const plans = [at(first, 'x'), { ...at(first, 'other'), size: large }, holds('bin/sh')]
  expect(await find(plans)).toMatchObject({ read: [2, 0], text: 'x', unread: 1 })
})

it('reads large layers when the small ones have nothing, the uppermost first, and stops within', async () => {
  const stored = tar([file('a', 'a'), file(first, 'x'), file('weights', Buffer.alloc(100_000))])
  const plans = [{ ...at(first, 'hidden'), size: large }, { stored, size: large }, holds('bin/sh')]
  const { read, text, bytes, unread } = await find(plans)
  expect({ read, text, unread }).toEqual({ read: [2, 1], text: 'x', unread: 0 })
  expect(bytes).toBeLessThan(10_000)
})

it('does not read what is hidden', async () => {
  const plans = [{ ...at(first, 'x'), size: large }, holds('opt/.wh.nim', 'etc/.wh.nim')]
  expect(await find(plans)).toMatchObject({ read: [1], text: undefined })
})

it('reads long names, of pax and of GNU', async () => {
  const long = `/opt/${'long/'.repeat(60)}m.yaml`
  const pax = new Pax({ path: long.slice(1) }).encode()
  expect((await find([{ stored: Buffer.concat([pax, tar([file('short', 'x')])]) }], [long])).text).toBe('x')
  const name = Buffer.from(`${long.slice(1)}\0`)
  const block = Buffer.alloc(512)
  const header = new Header({ path: '././@LongLink', size: name.length, type: 'NextFileHasLongPath', mode: 0o644 })
  header.encode(block)
  const gnu = Buffer.concat([block, name, Buffer.alloc(-name.length & 511), tar([file('short', 'x')])])
  expect((await find([{ stored: gnu }], [long])).text).toBe('x')
})

it('reads zstd of many frames, and passes over what is meant to be', async () => {
  const archive = tar([file('a', 'a'.repeat(3000)), file('bin/b', 'b'), file(first, 'x'.repeat(2000))])
  const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
  const frames = [archive.subarray(0, 700), archive.subarray(700, 1400), archive.subarray(1400)]
  const stored = Buffer.concat([skippable, ...frames.flatMap(frame => [zstdCompressSync(frame), skippable])])
  expect((await find([{ stored }])).text).toBe('x'.repeat(2000))
})

it('takes names with a dot in front, and none that lead out', async () => {
  expect((await find([at(`./${first}`, 'x')])).text).toBe('x')
  expect((await find([at(`../${first}`, 'x'), at('a/../../b', 'x')])).text).toBeUndefined()
})

it('refuses a file that is too large to be a manifest, without reading it', async () => {
  const block = Buffer.alloc(512)
  new Header({ path: first.slice(1), size: 10 * large, type: 'File', mode: 0o644 }).encode(block)
  const { layers } = stack([{ stored: Buffer.concat([block, Buffer.alloc(2048)]) }])
  await expect(findFile(layers, places, { image: 'image', signal })).rejects.toMatchObject({
    category: 'usage',
    code: 'MANIFEST_INVALID',
  })
})

it('ends when it is told to', async () => {
  const told = new AbortController()
  const { layers } = stack([at('a', 'x'.repeat(50_000))])
  told.abort(new Error('enough'))
  await expect(findFile(layers, places, { image: 'image', signal: told.signal })).rejects.toThrow('enough')
})
