import { mkdtemp, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { watchArrivingBytes } from '../../src/cache/arriving-bytes.ts'

it('counts what arrives once, not what was there or was renamed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'nimctl-bytes-'))
  await writeFile(join(directory, 'old'), 'x'.repeat(100))
  let total = 0
  const arrived = Promise.withResolvers<void>()
  const watch = watchArrivingBytes(directory, {
    intervalMs: 10,
    onBytes: bytes => {
      total += bytes
      arrived.resolve()
    },
  })
  await writeFile(join(directory, 'part'), 'y'.repeat(30))
  await arrived.promise
  await rename(join(directory, 'part'), join(directory, 'whole'))
  await writeFile(join(directory, 'last'), 'z'.repeat(5))
  await watch.stop()
  expect(total).toBe(35)
})
