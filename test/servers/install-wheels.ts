import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { execa } from 'execa'

import { installDebianPackages } from './install-debian.ts'
import { cacheDirectory, findProgram, virtualEnvironment, wheelMarker } from './locate.ts'
import { type Part, partSources, pythonVersions } from './parts.ts'

type Say = (line: string) => void
type Reason = { why: string; next: string }

/** Under one lock: two runs that start together must not write one environment at once. */
const fillEnvironment = `
test -x "$1/bin/pip" || "$2" -m venv "$1" || exit
environment=$1
shift 2
exec "$environment/bin/pip" install --quiet --no-input --disable-pip-version-check --only-binary=:all: "$@"
`

export async function installWheels(parts: readonly Part[], say: Say): Promise<Map<Part, Reason>> {
  const failed = new Map<Part, Reason>()
  if (parts.length === 0) return failed
  const python = await findOrInstallPython(say)
  for (const environment of ['tools', 'gcs', 'kserve', 'junit', 'go'] as const) {
    const chosen = parts.filter(part => partSources[part].wheels?.environment === environment)
    if (chosen.length === 0) continue
    const reason = typeof python === 'string' ? await fill(environment, python, chosen, say) : python
    if (reason !== undefined) for (const part of chosen) failed.set(part, reason)
  }
  return failed
}

async function fill(
  environment: 'tools' | 'gcs' | 'kserve' | 'junit' | 'go',
  python: string,
  parts: readonly Part[],
  say: Say,
): Promise<Reason | undefined> {
  const directory = virtualEnvironment(environment)
  const pins = parts.flatMap(part => partSources[part].wheels?.pins ?? [])
  const named = parts.map(part => partSources[part].wheels?.pins[0])
  say(`Installing Python wheels: ${named.join(' ')} into ${directory}`)
  mkdirSync(dirname(directory), { recursive: true })
  const lock = join(cacheDirectory(), 'install.lock')
  const args = [lock, 'sh', '-c', fillEnvironment, 'sh', directory, python, ...pins]
  const { exitCode, all } = await execa('flock', args, { reject: false, all: true, stdin: 'ignore' })
  if (exitCode === 0) {
    for (const part of parts) writeFileSync(wheelMarker(part, environment), `${pins.join('\n')}\n`)
    return undefined
  }
  const lines = (all ?? '').split('\n').filter(line => line.trim() !== '')
  // What broke the connection stands in the first line, what was not found for it in the last.
  const telling = [...new Set([lines.at(0), lines.at(-1)])]
  return {
    why: `pip failed: ${telling.join(' / ')}`,
    next: `Try by hand: ${python} -m venv ${directory} && ${directory}/bin/pip install ${pins.join(' ')}`,
  }
}

async function findOrInstallPython(say: Say): Promise<string | Reason> {
  const present = await findPython()
  if (present !== undefined) return present
  const reason = await installDebianPackages([['python3'], ['python3-venv']], say)
  if (reason !== undefined) return reason
  return (
    (await findPython()) ?? {
      why: `needs Python ${pythonVersions.from} to ${pythonVersions.to} with venv; apt's python3 is another.`,
      next: `Put one of these versions on the PATH as python3`,
    }
  )
}

/** Debian's python3 without python3-venv can import venv, but not ensurepip. */
async function findPython(): Promise<string | undefined> {
  const limits = [pythonVersions.from, pythonVersions.to].map(version => `(${version.replace('.', ', ')})`)
  const check = `import sys, venv, ensurepip; sys.exit(not (${limits[0]} <= sys.version_info[:2] <= ${limits[1]}))`
  for (const python of ['/usr/bin/python3', findProgram('python3')]) {
    if (python === undefined) continue
    const { exitCode } = await execa(python, ['-c', check], { reject: false, stdin: 'ignore' })
    if (exitCode === 0) return python
  }
  return undefined
}
