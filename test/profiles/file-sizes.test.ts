import { afterEach, expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { type Ngc, startNgc } from '../../fixtures/stand-in/ngc.ts'
import { fileAddress } from '../../src/profiles/file-address.ts'
import { askFileSizes } from '../../src/profiles/file-sizes.ts'
import { openSession } from '../nim/scripted-ngc.ts'

const [version] = standIns.llm1.versions
if (version === undefined) throw new Error('The stand-in has no version.')
const { signal } = new AbortController()

let ngc: Ngc
afterEach(() => ngc.stop())

const file = (name: string, of: { repository?: string; version?: string } = {}) => ({
  path: name,
  repository: version.model,
  version: version.version,
  file: name,
  ...of,
})

function served(): Map<string, number> {
  const files = ngc.files(version?.model ?? '', version?.version ?? '') ?? []
  return new Map(files.map(({ path, size }) => [`${version?.model}:${version?.version}/${path}`, size]))
}

const everyFile = () => (ngc.files(version.model, version.version) ?? []).map(({ path }) => file(path))

it.each(['nvapi-good', 'an-old-key'])('tells the size of each file, for the key %s', async key => {
  ngc = await startNgc({ legacyKeys: ['an-old-key'] })
  const { session } = await openSession(ngc.url, { key })
  const told = await askFileSizes(session, everyFile(), signal)
  expect(told).toEqual({ sizes: served(), refused: [] })
  // The stand-in notes a request once it is over for it, which may be after the answer has come.
  const toStorage = () => ngc.requests().filter(({ path }) => path.startsWith('/xfiles/'))
  await expect.poll(toStorage).toHaveLength(told.sizes.size)
  expect(ngc.requests().filter(({ path }) => path.endsWith('/files'))).toHaveLength(1)
  expect(toStorage().every(({ authorized, range }) => !authorized && range === 'bytes=0-0')).toBe(true)
})

it('asks for the files by name where the list is for members alone', async () => {
  ngc = await startNgc()
  ngc.misbehave({ path: '/files$', fault: { type: 'status', status: 401 } })
  const { session } = await openSession(ngc.url)
  expect(await askFileSizes(session, everyFile(), signal)).toEqual({ sizes: served(), refused: [] })
})

it('takes names as they are written in manifests, and asks for a file of two profiles once', async () => {
  ngc = await startNgc()
  const files = [file('original%2Fparams.json'), file('original/params.json')]
  const { session } = await openSession(ngc.url)
  const { sizes } = await askFileSizes(session, files, signal)
  expect(sizes).toEqual(new Map([...served()].filter(([address]) => address === fileAddress(files[1] ?? file('')))))
  expect(ngc.requests()).toHaveLength(2)
})

it('notes what NGC refuses, and asks for the rest', async () => {
  ngc = await startNgc()
  const other = standIns.llm1.versions[1]
  const foreign = { repository: other?.model ?? '', version: other?.version ?? '' }
  ngc.misbehave({ path: `${other?.version.replace('+', '\\+')}/files$`, fault: { type: 'not-a-member' } })
  const { session } = await openSession(ngc.url)
  const files = [file('config.json'), file('config.json', foreign), file('config.json', { version: 'unknown' })]
  const { sizes, refused } = await askFileSizes(session, files, signal)
  expect([...sizes.keys()]).toEqual([fileAddress(file('config.json'))])
  expect(refused.map(({ model, error }) => [model, error.code])).toEqual([
    [`${foreign.repository}:${foreign.version}`, 'NGC_NOT_ENTITLED'],
    [`${version.model}:unknown`, 'MODEL_NOT_FOUND'],
  ])
})

it('says of a key that is refused so once for each version', async () => {
  ngc = await startNgc({ keys: ['nvapi-another'] })
  const { session } = await openSession(ngc.url)
  const { sizes, refused } = await askFileSizes(session, everyFile(), signal)
  expect(sizes.size).toBe(0)
  expect(refused).toMatchObject([{ error: { code: 'NGC_KEY_REFUSED' } }])
})

it('fails where NGC fails', async () => {
  ngc = await startNgc()
  ngc.misbehave({ path: 'xfiles', fault: { type: 'status', status: 500 } })
  const { session } = await openSession(ngc.url)
  await expect(askFileSizes(session, everyFile(), signal)).rejects.toMatchObject({ code: 'NGC_UNREACHABLE' })
})

it.each([{ repository: 'nim/../secret' }, { version: '..' }, { repository: 'one' }, { repository: 'a/b/c/d' }])(
  'asks for nothing at %o',
  async of => {
    ngc = await startNgc()
    const { session } = await openSession(ngc.url)
    const files = [file('config.json', of), file('../../x'), { path: 'x', file: 'x' }]
    expect(await askFileSizes(session, files, signal)).toEqual({ sizes: new Map(), refused: [] })
    expect(ngc.requests()).toEqual([])
  },
)
