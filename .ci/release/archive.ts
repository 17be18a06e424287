import { copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import * as tar from 'tar'

import { writePackageFile } from './npm-package.ts'
import { productionPackages, type Platform, type ProductionPackage } from './production-packages.ts'
import { buildProgram } from './program.ts'
import { readPackageFile, root, run } from './project.ts'

export const platforms = {
  'linux-x64': { os: 'linux', cpu: 'x64', libc: 'glibc' },
  'linux-arm64': { os: 'linux', cpu: 'arm64', libc: 'glibc' },
} as const satisfies Record<string, Platform>

export type PlatformName = keyof typeof platforms

export const platformNames: readonly PlatformName[] = ['linux-x64', 'linux-arm64']

export interface ArchiveRequest {
  platform: PlatformName
  /** Empty, for what is made on the way: some 600 MB. */
  work: string
  out: string
}

/**
 * The program with its own Node.js, for hosts that have neither it nor a network. The same sources give the same bytes:
 * names in order, one time, one owner.
 *
 * @returns the name of the file in `out`.
 */
export async function makeArchive({ platform, work, out }: ArchiveRequest): Promise<string> {
  const { version } = readPackageFile()
  const folder = `nimctl-${version}-${platform}`
  const home = join(work, folder)
  await buildProgram(home)
  await writePackageFile(home)
  await copyFile(join(import.meta.dirname, 'nimctl'), join(home, 'nimctl'))
  await installPackages(home, platform, join(work, 'install'))
  await writeFile(join(home, 'LICENSES.txt'), listLicences(productionPackages(platforms[platform])))
  const file = `${folder}.tar.gz`
  await writeArchive(join(out, file), work, folder)
  return file
}

/** As the Dockerfile does it: by the lock file, with its checksums, for the archive's platform and not for this one. */
async function installPackages(home: string, platform: PlatformName, install: string): Promise<void> {
  const { os, cpu, libc } = platforms[platform]
  await mkdir(install)
  for (const name of ['package.json', 'package-lock.json', '.npmrc']) await cp(join(root, name), join(install, name))
  const target = [`--os=${os}`, `--cpu=${cpu}`, `--libc=${libc}`]
  await run('npm', ['ci', '--omit=dev', '--prefer-offline', '--loglevel=error', ...target], install)

  const node = join(install, 'node_modules', `node-${platform}`)
  await mkdir(join(home, 'node/bin'), { recursive: true })
  await cp(join(node, 'bin/node'), join(home, 'node/bin/node'))
  await cp(join(node, 'LICENSE'), join(home, 'node/LICENSE'))
  for (const { path } of productionPackages(platforms[platform]))
    await cp(join(install, path), join(home, path), { recursive: true, filter: isNeeded })
  await rm(install, { recursive: true })
}

/** Without what only editors and debuggers read, and the links to the packages' own programs. */
function isNeeded(path: string): boolean {
  return !/\.(?:map|d\.[mc]?ts)$|\/node_modules\/\.bin$/.test(path)
}

function listLicences(packages: readonly ProductionPackage[]): string {
  const lines = packages.map(({ name, version, license }) => `${name} ${version}: ${license}\n`)
  return [
    'nimctl is licensed under Apache-2.0 (LICENSE), Node.js under the terms in node/LICENSE.\n',
    'The packages in node_modules, each with its own licence file where its authors give one:\n\n',
    ...new Set(lines.toSorted()),
  ].join('')
}

/** A day on which ZIP and every tar can agree; no file of a release is about its own age. */
const sameTime = new Date('1985-10-26T08:15:00Z')

async function writeArchive(file: string, cwd: string, folder: string): Promise<void> {
  const below = await readdir(join(cwd, folder), { recursive: true, withFileTypes: true })
  const paths = below.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  const names = paths.map(path => path.slice(cwd.length + 1)).toSorted()
  await tar.create({ file, cwd, gzip: { level: 6 }, portable: true, mtime: sameTime, onWriteEntry: sameMode }, names)
}

/** Whatever the umask was where it was made: programs for everyone to run, the rest for everyone to read. */
function sameMode(entry: tar.WriteEntry | tar.WriteEntrySync): void {
  if (entry.stat !== undefined) entry.stat.mode = (entry.stat.mode & ~0o777) | (entry.stat.mode & 0o100 ? 0o755 : 0o644)
}
