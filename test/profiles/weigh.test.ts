import { expect, it } from 'vitest'

import { listManifest } from '../../src/profiles/manifest-listing.ts'
import { parseModelManifest } from '../../src/profiles/manifest.ts'
import { type HeldFile, untoldFiles, weighProfiles } from '../../src/profiles/weigh.ts'

const file = (version: string, name: string, size?: number) =>
  `      ${version}/${name}: {uri: "ngc://nim/a/b:${version}?file=${name}"${size === undefined ? '' : `, size: ${size}`}}\n`
const profile = (id: string, ...files: string[]) => `- id: ${id}\n  workspace:\n    files:\n${files.join('')}`
const manifest = (...profiles: string[]) => parseModelManifest(`schema_version: 2.0\nprofiles:\n${profiles.join('')}`)

const sized = manifest(
  profile('one', file('hf', 'config.json', 10), file('hf', 'model', 1000)),
  profile('two', file('hf', 'config.json', 10), file('trt', 'rank0', 500)),
  profile('three', file('other', 'x', 1)),
)

function weigh(from: typeof sized, selected: string[], held?: HeldFile[], sizes?: ReadonlyMap<string, number>) {
  const listing = listManifest(from)
  const profiles = listing.profiles.map(each => ({ ...each, selected: selected.includes(each.id) }))
  return weighProfiles({ ...listing, profiles }, from, { held, sizes })
}

const held = (version: string, name: string, size: number): HeldFile => ({
  repository: 'nim/a/b',
  version,
  file: name,
  size,
})

it('tells the bytes, what two profiles share, and what they are together', () => {
  const { profiles, together } = weigh(sized, ['one', 'two'])
  expect(profiles).toMatchObject([
    { id: 'one', bytes: 1010, shared: { files: 1, bytes: 10 } },
    { id: 'two', bytes: 510, shared: { files: 1, bytes: 10 } },
    { id: 'three', bytes: 1, shared: { files: 0, bytes: 0 } },
  ])
  expect(profiles[0]).not.toHaveProperty('new')
  expect(together).toEqual({ files: 3, bytes: 1510 })
})

it('counts as shared only what is chosen', () => {
  const { profiles, together } = weigh(sized, ['two'])
  expect(profiles.map(({ shared }) => shared?.files)).toEqual([1, 0, 0])
  expect(together).toEqual({ files: 2, bytes: 510 })
})

it('tells what is new to a place', () => {
  const { profiles, together } = weigh(
    sized,
    ['one', 'two'],
    [held('hf', 'config.json', 10), held('hf', 'model', 1000)],
  )
  expect(profiles.map(each => each.new)).toEqual([
    { files: 0, bytes: 0 },
    { files: 1, bytes: 500 },
    { files: 1, bytes: 1 },
  ])
  expect(together).toEqual({ files: 3, bytes: 1510, new: { files: 1, bytes: 500 } })
})

it('takes the sizes of what is there where the manifest tells none', () => {
  const plain = manifest(
    profile('one', file('hf', 'a%20b'), file('hf', 'c')),
    profile('two', file('hf', 'c'), file('hf', 'd')),
  )
  const { profiles, together } = weigh(plain, ['one', 'two'], [held('hf', 'a b', 7), held('hf', 'c', 5)])
  expect(profiles).toMatchObject([
    { bytes: 12, shared: { files: 1, bytes: 5 }, new: { files: 0, bytes: 0 } },
    { shared: { files: 1, bytes: 5 }, new: { files: 1 } },
  ])
  expect(profiles[1]).not.toHaveProperty('bytes')
  expect(profiles[1]?.new).not.toHaveProperty('bytes')
  expect(together).toEqual({ files: 3, new: { files: 1 } })
})

it('takes what NGC says where neither the manifest nor the place tells, and asks for no more', () => {
  const plain = manifest(
    profile('one', file('hf', 'a%20b'), file('hf', 'c', 100)),
    profile('two', file('hf', 'a%20b'), file('hf', 'd')),
    profile('three', file('hf', 'e')),
  )
  const listing = listManifest(plain)
  const chosen = { ...listing, profiles: listing.profiles.map(each => ({ ...each, selected: each.id !== 'three' })) }
  expect(untoldFiles(chosen, plain, [held('hf', 'd', 5)]).map(each => each.file)).toEqual(['a%20b'])
  const sizes = new Map([['nim/a/b:hf/a b', 7]])
  const { profiles, together } = weigh(plain, ['one', 'two'], [held('hf', 'd', 5)], sizes)
  expect(profiles.map(({ bytes }) => bytes)).toEqual([107, 12, undefined])
  expect(together).toEqual({ files: 3, bytes: 112, new: { files: 2, bytes: 107 } })
})

it('does not guess which files are the same where a manifest names no version', () => {
  const component = `  workspace: {components: [{dst: '', src: {repo_id: nim/a/b, files: [config.json]}}]}\n`
  const first = parseModelManifest(`one:\n  tags: {a: b}\n${component}two:\n  tags: {a: b}\n${component}`)
  const { profiles, together } = weigh(first, ['one', 'two'], [held('hf', 'config.json', 3)])
  expect(together).toBeUndefined()
  expect(profiles[0]).toMatchObject({ files: 1 })
  for (const name of ['bytes', 'shared', 'new']) expect(profiles[0]).not.toHaveProperty(name)
})

it('leaves a profile that the manifest does not name as it is', () => {
  const listing = listManifest(sized)
  const [first] = listing.profiles
  const foreign = { ...listing, profiles: [{ ...first, id: 'mine' } as (typeof listing.profiles)[0]] }
  expect(weighProfiles(foreign, sized)).toEqual(foreign)
})
