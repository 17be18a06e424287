import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, expect, it } from 'vitest'

import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { nimctl } from './nimctl.ts'

const { path: cwd, remove } = makeTemporaryDirectory()
afterAll(() => remove())

const run = (...args: string[]) => nimctl(args, { cwd, env: { HOME: cwd } })

it('writes a file that nimctl run takes, and asks nothing where nobody could answer', async () => {
  const outcome = await run('init', '--json')
  expect(outcome.json()).toMatchObject({ kind: 'InitResult', ok: true, path: 'nimctl.yaml' })
  expect(await readFile(join(cwd, 'nimctl.yaml'), 'utf8')).toContain('# What nimctl run does.')
  // The file is right: what is refused is a model that it does not have.
  const refused = await run('run', '--only', 'none', '--json')
  expect(refused.json()).toMatchObject({ code: 'MODEL_UNKNOWN', next: 'There are: llama' })
})

it('overwrites nothing without --force', async () => {
  await writeFile(join(cwd, 'mine.yaml'), 'mine')
  expect(await run('init', 'mine.yaml')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--force') })
  expect(await readFile(join(cwd, 'mine.yaml'), 'utf8')).toBe('mine')
  expect(await run('init', 'mine.yaml', '--force')).toMatchObject({ exitCode: 0 })
  expect(await readFile(join(cwd, 'mine.yaml'), 'utf8')).toContain('version: 1')
})

it.each([
  { args: ['run', '--config', 'missing.yaml'], says: 'nimctl init' },
  { args: ['run', 'mirrors'], says: 'mirror, profiles, cache' },
  { args: ['run', '--shard', '5/4'], says: '1/4' },
  { args: ['run', '--locked', '--update'], says: '--update' },
  { args: ['list', '@nowhere'], says: '@inside' },
])('refuses $args in one sentence', async ({ args, says }) => {
  const outcome = await run(...args)
  expect(outcome.exitCode).toBe(2)
  expect(outcome.stderr).toContain(says)
})
