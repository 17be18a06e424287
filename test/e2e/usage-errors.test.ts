import { writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { makeHubCache, smallRecord } from '../hub-cache.ts'
import { openBarePlace, type BarePlace } from './bare-place.ts'
import { mistakesOf, type Failure } from './failures.ts'
import type { RunOptions } from './nimctl.ts'

let place: BarePlace
beforeAll(async () => {
  place = await openBarePlace()
  await makeHubCache(place.path('other'), { record: { ...smallRecord, imageDigest: `sha256:${'cd'.repeat(32)}` } })
  await writeFile(place.path('empty.txt'), '')
})
afterAll(() => place.remove())

type Case = Failure & { name: string; args: () => string[]; options?: RunOptions }

const usage = { category: 'usage' } as const

it.each<Case>([
  { name: 'an unknown command', args: () => ['uplaod'], ...usage, code: 'USAGE', says: ['uplaod', 'upload'] },
  { name: 'an unknown flag', args: () => ['list', '--depe'], ...usage, code: 'USAGE', says: ['--depe'] },
  { name: 'a missing argument', args: () => ['cache'], ...usage, code: 'USAGE', says: ['image'] },
  {
    name: 'a number that is none',
    args: () => ['list', place.url, '--retries', 'x'],
    ...usage,
    code: 'USAGE',
    says: ['--retries'],
  },
  {
    name: 'an unknown scheme',
    args: () => ['list', 'ftp://models/'],
    ...usage,
    code: 'STORE_SCHEME_UNKNOWN',
    says: ['ftp:', 's3://'],
  },
  {
    name: 'a directory for a store',
    args: () => ['list', './store'],
    ...usage,
    code: 'URL_INVALID',
    says: ['./store', 'file:///'],
  },
  { name: 'a word for a store', args: () => ['list', 'models'], ...usage, code: 'URL_INVALID', says: ['"models"'] },
  {
    name: 'a kind of store that nobody knows, as source',
    args: () => ['upload', 'ftp://models/a', place.url],
    ...usage,
    code: 'STORE_SCHEME_UNKNOWN',
  },
  {
    name: '--profile and --all',
    args: () => ['cache', 'a/b:1', 'd', '--profile', '0494aafc', '--all'],
    ...usage,
    code: 'PROFILE_CHOICE_CONFLICT',
    says: ['--profile', '--all'],
  },
  {
    name: 'no choice of profiles',
    args: () => ['cache', 'a/b:1', 'd'],
    ...usage,
    code: 'PROFILE_CHOICE_REQUIRED',
    says: ['nimctl profiles'],
  },
  {
    name: 'a list without profiles',
    args: () => ['profiles', '--file', place.path('empty.txt')],
    ...usage,
    code: 'LISTING_EMPTY',
  },
  { name: 'no image to mirror', args: () => ['mirror', '--to', 'r:5000'], ...usage, code: 'IMAGES_MISSING' },
  {
    name: 'a name that is no image',
    args: () => ['profiles', 'A B'],
    ...usage,
    code: 'IMAGE_REFERENCE_INVALID',
    says: ['A B'],
  },
  {
    name: 'no address of an engine',
    args: () => ['profiles', 'a/b:1'],
    options: { env: { DOCKER_HOST: 'nowhere://' } },
    ...usage,
    code: 'DOCKER_HOST_INVALID',
    says: ['nowhere://'],
  },
  {
    name: 'another image under the prefix',
    args: () => ['upload', place.path('other'), place.url],
    ...usage,
    code: 'PREFIX_HOLDS_ANOTHER_IMAGE',
    says: ['--replace'],
  },
])('$name', async ({ args, options, ...failure }) => {
  expect(await mistakesOf(each => place.run(each, options), args(), failure)).toEqual([])
})
