import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { cacheDirectory } from './locate.ts'

export interface NpmTool {
  name: string
  version: string
  /** In place of what it would bring itself. */
  overrides?: Readonly<Record<string, string>>
}

/**
 * Installs a package from npm into a folder of the user's cache that is named after its pin, and returns that folder.
 * Node's own modules stay as they are: servers bring hundreds of packages that nobody who builds nimctl needs.
 */
export async function installNpmTool({ name, version, overrides = {} }: NpmTool): Promise<string> {
  const directory = join(cacheDirectory(), `npm-${name.replace(/^.*\//, '')}-${version}`)
  // Written at the end: what an interrupted npm leaves looks installed otherwise.
  const marker = join(directory, 'installed')
  if (existsSync(marker)) return directory
  mkdirSync(directory, { recursive: true })
  process.stderr.write(`Installing ${name} ${version} into ${directory}\n`)
  const manifest = { private: true, dependencies: { [name]: version }, overrides }
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
  // Under one lock: two runs that start together must not write one folder at once.
  const lock = join(cacheDirectory(), 'install.lock')
  const npm = [
    'npm',
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--ignore-scripts',
    '--prefix',
    directory,
  ]
  await execa('flock', [lock, ...npm], { cwd: directory, stdin: 'ignore' })
  writeFileSync(marker, '')
  return directory
}
