import { cp, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'

import { temporaryDirectory } from '../hub-cache.ts'

const root = join(import.meta.dirname, '../..')

const sources = [
  '.ci',
  '.gitignore',
  '.npmrc',
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'bin',
  'docs',
  'package-lock.json',
  'package.json',
  'src',
  'tsconfig.build.json',
  'tsconfig.json',
]

export interface Checkout {
  path: string
  git(...args: string[]): Promise<string>
  /** As `npm run NAME -- ARGS`. */
  npmRun(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }>
}

/** A repository of its own with these sources in its one commit, as someone has it who releases. */
export async function makeCheckout(): Promise<Checkout> {
  const path = await temporaryDirectory()
  for (const name of sources) await cp(join(root, name), join(path, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'))
  const git = async (...args: string[]) => {
    const who = ['-c', 'user.name=Test', '-c', 'user.email=test@example.org']
    return (await execa('git', [...who, ...args], { cwd: path })).stdout
  }
  await git('init', '--quiet')
  // The pattern for a directory leaves a link of that name.
  await writeFile(join(path, '.git/info/exclude'), 'node_modules\n')
  await git('add', '.')
  await git('commit', '--quiet', '--message', 'sources')
  return {
    path,
    git,
    async npmRun(...args) {
      const {
        exitCode = 1,
        stdout,
        stderr,
      } = await execa('npm', ['run', '--silent', ...args], { cwd: path, reject: false })
      return { exitCode, stdout, stderr }
    },
  }
}

/** What is unreleased gets its version, as before a release. */
export async function nameRelease(checkout: Checkout, version: string): Promise<void> {
  const file = join(checkout.path, 'CHANGELOG.md')
  const text = await readFile(file, 'utf8')
  await writeFile(file, text.replace('## Unreleased', `## ${version} (2026-12-01)`))
  await checkout.git('commit', '--quiet', '--all', '--message', 'release')
}
