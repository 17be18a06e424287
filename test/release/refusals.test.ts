import { expect, it } from 'vitest'

import { refusalsOf } from '../../.ci/release/refusals.ts'

const fine = { version: '1.2.0', changelog: '# Changelog\n\n## 1.2.0 (2026-12-01)\n', tags: ['v1.1.0'], clean: true }

it.each([
  { name: 'a changed tree', situation: { clean: false }, says: /Files are changed/ },
  { name: 'a version that the changelog leaves out', situation: { changelog: '## Unreleased\n' }, says: /no section/ },
  { name: 'a version that only begins like it', situation: { changelog: '## 1.2.0-rc.1\n' }, says: /no section/ },
  { name: 'a tag that exists', situation: { tags: ['v1.1.0', 'v1.2.0'] }, says: /tag v1\.2\.0 exists/ },
])('refuses to release $name', ({ situation, says }) => {
  const refusals = refusalsOf({ ...fine, ...situation })
  expect(refusals).toEqual([expect.stringMatching(says)])
})

it('releases where nothing speaks against it', () => {
  expect(refusalsOf(fine)).toEqual([])
})
