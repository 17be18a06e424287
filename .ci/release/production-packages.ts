import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root } from './project.ts'

export interface ProductionPackage {
  /** As it is imported: where `overrides` put another package in its place, still this name. */
  name: string
  version: string
  /** An SPDX expression, where the package gives one. */
  license: string
  /** From the project's root: `node_modules/NAME`, or deeper. */
  path: string
}

/** The part of a platform that npm chooses packages by; `libc` as well, where there are two. */
export interface Platform {
  os: 'linux'
  cpu: 'x64' | 'arm64'
  libc: 'glibc'
}

interface LockedPackage {
  version?: string
  license?: string
  dev?: true
  devOptional?: true
  devDependencies?: unknown
  optionalDependencies?: unknown
  os?: string[]
  cpu?: string[]
  libc?: string[]
}

export interface Lock {
  /** By path; the project itself is ''. */
  packages: Record<string, LockedPackage>
}

/**
 * Node.js as packages, which releases bring in another way or not (docs/decisions/0002), and the parts of a compiler that
 * valibot would take if there is one.
 */
const onlyForDevelopment = /\/node-linux-[\w-]+$|\/@typescript\//

/** The lock file as far as the program needs it to run, on any platform. */
export function productionLock(): Lock {
  const lock: Lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))
  const kept = Object.entries(lock.packages).filter(
    ([path, { dev, devOptional }]) => dev === undefined && devOptional === undefined && !onlyForDevelopment.test(path),
  )
  const { devDependencies: _, optionalDependencies: __, ...project } = lock.packages[''] ?? {}
  return { ...lock, packages: { ...Object.fromEntries(kept), '': project } }
}

/** What the program needs to run: what `npm ci --omit=dev` installs there, without what is only for development. */
export function productionPackages(platform: Platform): ProductionPackage[] {
  return Object.entries(productionLock().packages)
    .filter(([path, locked]) => path !== '' && fits(locked, platform))
    .map(([path, { version = '', license = 'not given' }]) => ({ name: nameOf(path), version, license, path }))
}

function fits({ os, cpu, libc }: LockedPackage, platform: Platform): boolean {
  return [
    [os, platform.os],
    [cpu, platform.cpu],
    [libc, platform.libc],
  ].every(([among, it]) => among === undefined || among.includes(String(it)))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}
