import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { beforeEach, expect, it } from 'vitest'

import { withLocks } from '../../src/system/lock.ts'
import { temporaryDirectory } from '../hub-cache.ts'

let lock: { path: string; what: string }
beforeEach(async () => {
  lock = { path: join(await temporaryDirectory(), 'locks/one.lock'), what: 's3://models/one' }
})

it('is held while the work lasts, and not longer', async () => {
  await withLocks([lock], async () => {
    await expect(withLocks([lock], async () => 'stolen')).rejects.toMatchObject({
      category: 'local',
      code: 'LOCK_HELD',
    })
  })
  expect(await withLocks([lock], async () => 'free')).toBe('free')
})

it.each([
  ['a process that is gone', '4194304 1'],
  ['an earlier process of the same number', `${process.pid} 1`],
  ['a run that was killed before it wrote its number', ''],
])('of %s is taken over', async (_who, content) => {
  await withLocks([lock], async () => {})
  await writeFile(lock.path, content)
  await withLocks([lock], async () => {
    expect(await readFile(lock.path, 'utf8')).toMatch(new RegExp(`^${process.pid} `))
  })
})

it('says where else to keep it, where its place is not writable', async () => {
  const held = withLocks([{ path: '/sys/nimctl/one.lock', what: 's3://models/one' }], async () => 'held')
  await expect(held).rejects.toMatchObject({
    category: 'local',
    code: 'DIRECTORY_NOT_WRITABLE',
    next: expect.stringContaining('NIMCTL_STATE_DIR='),
  })
})
