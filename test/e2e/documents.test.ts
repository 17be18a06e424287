import { expect, it } from 'vitest'

import { problemsOf } from './documents.ts'

const right = {
  formatVersion: 1,
  kind: 'DownloadResult',
  ok: true,
  dir: '/c',
  files: 1,
  bytes: 2,
  skippedFiles: 0,
  seconds: 0.1,
}

it.each([
  ['a right one', {}, []],
  ['a field of another type', { files: '1' }, ['DownloadResult.files: string instead of number']],
  ['a field that is in no table', { extra: 1 }, ['DownloadResult.extra is not in the table']],
  ['another version', { formatVersion: 2 }, ['DownloadResult.formatVersion: 2']],
])('sees %s', (_, change, problems) => {
  expect(problemsOf({ ...right, ...change }, 'DownloadResult')).toEqual(problems)
})

it('sees a missing field, and an empty list that should hold something', () => {
  expect(problemsOf({ formatVersion: 1, kind: 'StoreListing', caches: [] }, 'StoreListing')).toEqual([
    'StoreListing.caches is empty',
  ])
  expect(problemsOf({ formatVersion: 1, kind: 'Error' }, 'Error')).toContain('Error.what is missing')
})
