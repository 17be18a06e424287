import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { openKnownSums } from '../../src/transfer/known-sums.ts'

const file = { type: 'file', path: 'a', size: 1, mode: 0o644, modifiedMs: 1, inode: 1 } as const

it('goes to the state directory, for this user alone, where the cache takes nothing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-sums-'))
  const root = join(directory, 'cache')
  await writeFile(root, 'a file, below which nothing can be made')
  const state = join(directory, 'state')
  const sums = await openKnownSums(root, state)
  sums.add(file, 7)
  await sums.close()
  expect((await openKnownSums(root, state)).get(file)).toBe(7)
  const [name = ''] = await readdir(join(state, 'sums'))
  const modes = await Promise.all([state, join(state, 'sums'), join(state, 'sums', name)].map(path => stat(path)))
  expect(modes.map(({ mode }) => mode & 0o777)).toEqual([0o700, 0o700, 0o600])
})
