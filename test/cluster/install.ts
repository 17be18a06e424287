import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { findOrInstallGo } from '../servers/install-go.ts'
import { requireParts } from '../servers/install.ts'
import { cacheDirectory } from '../servers/locate.ts'

const script = join(import.meta.dirname, 'build.sh')

/** Under one lock, and moved to its place when it is whole: an interrupted build leaves nothing that looks built. */
const build = 'test -d "$3" || { rm -rf "$3.new" && "$1" "$2" "$3.new" && mv "$3.new" "$3"; }'

/**
 * Builds Kubernetes once for this user, and installs what else a node is made of. Where the binaries lie is named by the
 * script that builds them, so another version is another place.
 *
 * @returns the folder of the binaries.
 */
export async function installKubernetes(): Promise<string> {
  await requireParts(['node'])
  const hash = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 12)
  const directory = join(cacheDirectory(), `kubernetes-${hash}`)
  if (existsSync(directory)) return directory
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const go = await findOrInstallGo(say)
  if (typeof go !== 'string') throw new Error(`Kubernetes is built with Go. ${go.why} ${go.next}`)
  say(`Building Kubernetes into ${directory}: this takes ten minutes on two cores, once`)
  mkdirSync(cacheDirectory(), { recursive: true })
  const lock = join(cacheDirectory(), 'kubernetes.lock')
  const { exitCode, stderr } = await execa('flock', [lock, 'sh', '-c', build, 'sh', script, go, directory], {
    reject: false,
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: ['inherit', 'pipe'],
  })
  if (exitCode === 0) return directory
  throw new Error(`Kubernetes could not be built:\n${stderr.trim().split('\n').slice(-5).join('\n')}`)
}
