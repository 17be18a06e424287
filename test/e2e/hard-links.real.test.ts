import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { makeHubCache } from '../hub-cache.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { readContents, readTree } from './trees.ts'

let directory: string
const path = (name: string) => join(directory, name)
const run = (...args: string[]) => nimctl(args, { env: { HOME: directory, NIMCTL_STATE_DIR: path('state') } })

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-hard-links-'))
  await makeHubCache(path('cache'))
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

it.each([
  { flags: [], shared: false },
  { flags: ['--hard-links'], shared: true },
])('upload $flags to a directory: snapshot and blob are one file: $shared', async ({ flags, shared }) => {
  const name = `store${flags.length}`
  const url = pathToFileURL(path(name)).href
  const { stderr } = succeeded(await run('upload', path('cache'), url, ...flags))
  expect(stderr).not.toContain('Warning')
  const snapshot = 'ngc/hub/models--nim--meta--test-model/snapshots/0.1+abc-l40sx1-bf16.1/rank0.engine'
  expect((await stat(path(`${name}/${snapshot}`))).nlink > 1).toBe(shared)
  expect(await readContents(path(name))).toEqual(await readContents(path('cache')))
  succeeded(await run('validate', 'store', url, '--deep'))
  succeeded(await run('download', url, path(`back${flags.length}`)))
  expect(await readTree(path(`back${flags.length}`))).toEqual(await readTree(path('cache')))
})
