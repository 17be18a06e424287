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
  os?: string[]
  cpu?: string[]
  libc?: string[]
}

/** Node.js as packages is for development; a release brings its own or none (docs/decisions/0002). */
const onlyForDevelopment = /\/node-linux-[\w-]+$/

/**
 * What the program needs to run, by the lock file: what `npm ci --omit=dev` installs, without Node.js itself and without
 * the compiler that valibot would take if there is one.
 */
export function productionPackages(platform: Platform): ProductionPackage[] {
  const lock: { packages: Record<string, LockedPackage> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  return Object.entries(lock.packages)
    .filter(([path, { dev, devOptional }]) => path !== '' && dev === undefined && devOptional === undefined)
    .filter(
      ([path, locked]) => !onlyForDevelopment.test(path) && !/\/@typescript\//.test(path) && fits(locked, platform),
    )
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
