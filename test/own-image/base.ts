import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { requireProgram } from '../servers/locate.ts'

const root = join(import.meta.dirname, '../..')

/**
 * The file systems of images that stand for those that the Dockerfile begins with, where they can't be pulled: this
 * machine's Node.js and skopeo with their libraries, the public certificates, and busybox for the rest. What builds has
 * the packages of node_modules, too, and stand-ins for npm and apt-get have nothing left to fetch.
 *
 * @param directory empty; what is written on the way, and the archives.
 */
export function packBases(directory: string): { build: string; run: string } {
  const skopeo = requireProgram('skopeo', 'skopeo')
  const files = join(directory, 'files')
  const packages = readPackages()
  for (const folder of ['bin', 'tmp', 'usr/bin', 'usr/local/bin', 'offline'])
    mkdirSync(join(files, folder), { recursive: true })
  chmodSync(join(files, 'tmp'), 0o1777)
  installBusybox(files)
  copyFileSync(process.execPath, join(files, 'usr/local/bin/node'))
  copyFileSync(skopeo, join(files, 'usr/bin/skopeo'))
  for (const name of ['npm', 'apt-get'])
    copyFileSync(join(import.meta.dirname, 'base', name), join(files, 'usr/bin', name))
  writeFileSync(
    join(files, 'offline/dev.txt'),
    packages.flatMap(({ name, dev }) => (dev ? [`${name}\n`] : [])).join(''),
  )
  const libraries = [process.execPath, skopeo, ...nativeModules()].flatMap(librariesOf)
  const fromRoot = [...new Set([...libraries, ...configuration])].map(path => path.slice(1))
  const system = [`--directory=${files}`, '.', '--directory=/', ...fromRoot]
  const modules = [
    `--directory=${realpathSync(join(root, 'node_modules'))}/..`,
    ...packages.map(({ name }) => `node_modules/${name}`),
  ]
  return {
    run: pack(join(directory, 'run.tar'), ['--exclude=./usr/local/bin/node', ...system]),
    build: pack(join(directory, 'build.tar'), [...system, ...modules]),
  }
}

function pack(archive: string, args: string[]): string {
  const toPlace = '--transform=s,^node_modules,offline/node_modules,'
  // The Dockerfile removes maps: they would be copied for nothing.
  const options = ['--dereference', '--owner=0', '--group=0', '--exclude=*.map', toPlace]
  execFileSync('tar', ['--create', `--file=${archive}`, ...options, ...args])
  return archive
}

/** What Debian's packages bring beside programs and libraries, where this machine has it. */
const configuration = ['/etc/ssl/certs/ca-certificates.crt', '/etc/containers/policy.json'].filter(existsSync)

/** Under all of its names, one file. */
function installBusybox(files: string): void {
  const busybox = requireProgram('docker', 'busybox')
  const first = join(files, 'bin/busybox')
  copyFileSync(busybox, first)
  const names = execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n')
  for (const name of names.filter(name => name !== 'busybox')) linkSync(first, join(files, 'bin', name))
  linkSync(first, join(files, 'usr/bin/env'))
}

/** Parts of packages that are linked with libraries, as programs are. */
function nativeModules(): string[] {
  return globSync('node_modules/@*/*/*.node', { cwd: root }).map(path => join(root, path))
}

function librariesOf(program: string): string[] {
  const lines = execFileSync('ldd', [program], { encoding: 'utf8' }).split('\n')
  return lines.flatMap(line => /(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}

interface Package {
  /** Also its folder below node_modules. */
  name: string
  /** Needed for building alone. */
  dev: boolean
}

/** Those that npm would install for the program, and the types that the compiler wants. Node.js itself is in the base. */
function readPackages(): Package[] {
  const lock: { packages: Record<string, { dev?: true }> } = JSON.parse(
    readFileSync(join(root, 'package-lock.json'), 'utf8'),
  )
  return Object.entries(lock.packages)
    .flatMap(([path, { dev = false }]) => {
      const name = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]
      return name === undefined ? [] : [{ name, dev }]
    })
    .filter(({ name, dev }) => (!dev || name.startsWith('@types/')) && !name.startsWith('node-linux-'))
    .filter(({ name }) => existsSync(join(root, 'node_modules', name)))
}
