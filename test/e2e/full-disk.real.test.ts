import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { mistakesOf } from './failures.ts'
import { withSmallDisk } from './launchers.ts'
import { nimctl, succeeded } from './nimctl.ts'

const full = { category: 'local', code: 'DISK_FULL', says: ['space'] } as const
const models = [{ repository: 'nim/meta/big', version: '1', files: { 'big.safetensors': randomBytes(3 * 2 ** 20) } }]

let directory: string
let disk: string
let env: Record<string, string>
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-full-'))
  disk = join(directory, 'disk')
  await mkdir(disk)
  await makeHubCache(join(directory, 'cache'), { models })
  // On the small disk too: where sudo is needed for it, root's files are gone with it.
  env = { HOME: directory, NIMCTL_STATE_DIR: join(disk, 'state') }
})
afterEach(() => rm(directory, { recursive: true, force: true }))

// One file after the other: which of several finds the disk full first would differ from run to run.
const onSmallDisk = (args: readonly string[]) =>
  nimctl([...args, '--concurrency', '1'], { env, program: withSmallDisk(disk, 2 ** 20) })

it('upload to file:// says that the disk is full', async () => {
  const url = pathToFileURL(join(disk, 'store')).href
  expect(await mistakesOf(onSmallDisk, ['upload', join(directory, 'cache'), url], full)).toEqual([])
})

it('download says that the disk is full', async () => {
  const url = pathToFileURL(join(directory, 'store')).href
  succeeded(await nimctl(['upload', join(directory, 'cache'), url], { env }))
  expect(await mistakesOf(onSmallDisk, ['download', url, join(disk, 'back')], full)).toEqual([])
})
