import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import config from '../../oxlint.config.ts'

const root = join(import.meta.dirname, '../..')
let clone: string

beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'nimctl-lint-'))
  cpSync(join(root, 'src'), join(clone, 'src'), { recursive: true })
  for (const file of ['oxlint.config.ts', 'package.json', 'tsconfig.json']) cpSync(join(root, file), join(clone, file))
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
})
afterAll(() => rmSync(clone, { recursive: true }))

function lint() {
  const { status, stdout } = spawnSync(join(root, 'node_modules/.bin/oxlint'), ['--deny-warnings', 'src'], {
    cwd: clone,
    encoding: 'utf8',
  })
  return { status, stdout }
}

describe('imports look upstream only', () => {
  it('holds for what is there', () => {
    expect(lint()).toMatchObject({ status: 0 })
  })

  it.each([
    [
      'a stage that imports a later one',
      'image/planted.ts',
      "import { upload } from '../transfer/upload.ts'\nupload\n",
      'image/ knows nothing of transfer/.',
    ],
    [
      'a type from a later stage',
      'system/planted.ts',
      "import type { Store } from '../stores/store.ts'\nexport type Planted = Store\n",
      'system/ knows nothing of stores/.',
    ],
    [
      'a later stage that is loaded when needed',
      'cache/planted.ts',
      "export const planted = () => import('../cli/main.ts')\n",
      'cache/ knows nothing of cli/.',
    ],
    [
      'a store that knows models',
      'stores/s3/planted.ts',
      "import { formatInventory } from '../../inventory/format.ts'\nformatInventory\n",
      'stores/ knows nothing of inventory/.',
    ],
    [
      'anybody who imports the command line',
      'emit/planted.ts',
      "import { run } from '../cli/main.ts'\nrun\n",
      'emit/ knows nothing of cli/.',
    ],
  ])('sees %s', (_case, path, content, message) => {
    mkdirSync(join(clone, 'src', path, '..'), { recursive: true })
    writeFileSync(join(clone, 'src', path), content)
    const { status, stdout } = lint()
    rmSync(join(clone, 'src', path))
    expect(status).not.toBe(0)
    expect(stdout).toContain(message)
  })

  it('has a place for every folder', () => {
    const known = JSON.stringify(config)
    for (const folder of readdirSync(join(root, 'src'))) expect(known).toContain(`src/${folder}/**`)
  })
})

it('no secret or network address of a registry is in the lock file', () => {
  const lock = execFileSync('cat', [join(root, 'package-lock.json')], { encoding: 'utf8' })
  expect(lock).not.toMatch(/"resolved"/)
})
