import { NimctlError } from '../../../system/errors.ts'
import type { Location } from '../../webhdfs/location.ts'
import type { Complaint } from './complaints.ts'
import { shellError } from './errors.ts'
import { gather, type Outcome } from './gather.ts'
import { argumentOf, printedPath } from './paths.ts'
import type { Shell, ShellCall } from './shell.ts'

/** A file or directory, as the namenode knows it. */
export interface Status {
  isFile: boolean
  /** Bytes. Of a file that is being written, those of its full blocks. */
  size: number
  /** By the namenode's clock. */
  modifiedMs: number
}

/** What a file is moved to: its name stays. */
interface Move {
  from: string
  /** A folder that is there. */
  folder: string
}

/** What is asked for many files in one call of the shell. Paths are absolute in HDFS. */
export interface Operations {
  /** `undefined` where nothing lies. */
  stat(path: string, signal: AbortSignal): Promise<Status | undefined>
  /** Paths of all that lies below a folder, from there, in no order; none where there is no such folder. */
  find(folder: string, signal: AbortSignal): Promise<string[]>
  /** The CRC32C that HDFS computes over a file; `undefined` where it has another checksum. */
  checksum(path: string, signal: AbortSignal): Promise<number | undefined>
  makeFolder(path: string, signal: AbortSignal): Promise<void>
  /** Never replaces anything. @throws NimctlError `check-failed` / `STORE_KEY_EXISTS`. */
  move(move: Move, signal: AbortSignal): Promise<void>
  /** A file. Succeeds when nothing is there. */
  remove(path: string, signal: AbortSignal): Promise<void>
  removeTree(path: string, signal: AbortSignal): Promise<void>
  removeEmptyFolder(path: string, signal: AbortSignal): Promise<void>
  /** The one that new files get. */
  setPermission(path: string, signal: AbortSignal): Promise<void>
  /** The same. */
  setOwner(path: string, signal: AbortSignal): Promise<void>
}

/** In one call. */
const most = 500

/** Of new files: needed for `setPermission` and `setOwner` alone. */
interface FileAttributes {
  /** Octal digits. */
  permission?: string
  /** `user:group`, `user` or `:group`. */
  owner?: string
}

export function openOperations(
  location: Location,
  shell: Shell,
  { permission = '', owner = '' }: FileAttributes = {},
): Operations {
  const argument = (path: string) => argumentOf(location, path)
  const printed = (path: string) => printedPath(location, path)
  const lengthOf = (path: string) => argument(path).length

  /** One call for many paths; each is told what concerns it, and all what concerns none by name. */
  const forPaths = <T>(
    call: Omit<ShellCall, 'args' | 'signal'> & { flags?: readonly string[]; flagsBehind?: readonly string[] },
    read: (stdout: string, paths: readonly string[]) => readonly T[],
  ) =>
    gather<string, T>(
      async (paths, signal) => {
        const { command, flags = [], flagsBehind = [], settings } = call
        const args = [...flags, ...paths.map(argument), ...flagsBehind]
        const { stdout, complaints } = await shell.run({ command, args, ...(settings && { settings }), signal })
        const failed = blame(paths, complaints, { command, printed })
        const done = paths.filter(path => !failed.has(path))
        const values = read(stdout, done)
        // Which line is whose, their number alone says.
        if (values.length !== done.length) throw notUnderstood(command, stdout)
        const byPath = new Map(done.map((path, index) => [path, values[index]]))
        return paths.map(path => {
          const value = byPath.get(path)
          return value === undefined ? { error: failed.get(path) ?? notUnderstood(command, stdout) } : { value }
        })
      },
      { most, lengthOf },
    )
  const nothing = (_: string, paths: readonly string[]) => paths.map(() => null)
  const removing = forPaths({ command: 'rm', flags: ['-f', '-skipTrash'] }, nothing)
  const making = forPaths({ command: 'mkdir', flags: ['-p'] }, nothing)
  const removingTrees = forPaths({ command: 'rm', flags: ['-r', '-f', '-skipTrash'] }, nothing)
  const removingEmpty = forPaths({ command: 'rmdir', flags: ['--ignore-fail-on-non-empty'] }, nothing)
  const permitting = forPaths({ command: 'chmod', flags: [permission] }, nothing)
  const owning = forPaths({ command: 'chown', flags: [owner] }, nothing)
  const stating = forPaths({ command: 'stat', flags: ['%F|%b|%Y'] }, stdout => lines(stdout).map(readStatus))
  const summing = forPaths(
    { command: 'checksum', settings: { 'dfs.checksum.combine.mode': 'COMPOSITE_CRC' } },
    (stdout, paths) => {
      const sums = new Map(lines(stdout).map(readChecksum))
      return paths.map(path => sums.get(printed(path)) ?? null)
    },
  )
  const finding = forPaths({ command: 'find', flagsBehind: ['-print0'] }, (stdout, paths) => {
    const found = stdout.split('\0')
    // Where one folder lies in another, its names come twice.
    return paths.map(path => [...new Set(found.flatMap(one => below(printed(path), one) ?? []))])
  })
  const moves = new Map<string, (from: string, signal: AbortSignal) => Promise<null>>()
  return {
    stat: (path, signal) => stating(path, signal).catch(absent),
    find: async (folder, signal) => (await finding(folder, signal).catch(absent)) ?? [],
    async checksum(path, signal) {
      const sum = await summing(path, signal)
      return sum === null || sum === 'other' ? undefined : sum
    },
    async makeFolder(path, signal) {
      await making(path, signal)
    },
    async move({ from, folder }, signal) {
      const into = moves.get(folder) ?? gatherMoves(location, shell, folder)
      moves.set(folder, into)
      await into(from, signal)
    },
    async remove(path, signal) {
      await removing(path, signal)
    },
    async removeTree(path, signal) {
      await removingTrees(path, signal)
    },
    async removeEmptyFolder(path, signal) {
      await removingEmpty(path, signal)
    },
    async setPermission(path, signal) {
      await permitting(path, signal)
    },
    async setOwner(path, signal) {
      await owning(path, signal)
    },
  }
}

/** Into one folder. Of two files with one name the shell would complain without saying which: they go one by one. */
function gatherMoves(location: Location, shell: Shell, folder: string) {
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  const moveAll = async (froms: readonly string[], signal: AbortSignal): Promise<Map<string, NimctlError>> => {
    const args = [...froms, folder].map(path => argumentOf(location, path))
    const { complaints } = await shell.run({ command: 'mv', args, signal })
    const target = (from: string) => printedPath(location, `${folder}/${nameOf(from)}`)
    const renamed = complaints.map(({ path, says }) => {
      const from = froms.find(one => target(one) === path)
      return { says, ...(path !== undefined && { path: from === undefined ? path : printedPath(location, from) }) }
    })
    const printed = (path: string) => printedPath(location, path)
    const describe = target
    return blame(froms, renamed, { command: 'mv', printed, describe })
  }
  return gather<string, null>(
    async (froms, signal) => {
      const failed = new Map<string, NimctlError>()
      let rest = [...froms]
      while (rest.length > 0) {
        const names = new Set<string>()
        const round = rest.filter(from => !names.has(nameOf(from)) && names.add(nameOf(from)))
        for (const [from, error] of await moveAll(round, signal)) failed.set(from, error)
        rest = rest.filter(from => !round.includes(from))
      }
      return froms.map((from): Outcome<null> => {
        const error = failed.get(from)
        return error === undefined ? { value: null } : { error }
      })
    },
    { most, lengthOf: path => path.length },
  )
}

/** Which of the paths failed, and why. */
function blame(
  paths: readonly string[],
  complaints: readonly Complaint[],
  {
    command,
    printed,
    describe = printed,
  }: { command: string; printed: (path: string) => string; describe?: (path: string) => string },
): Map<string, NimctlError> {
  const failed = new Map<string, NimctlError>()
  for (const complaint of complaints) {
    const named = complaint.path === undefined ? [] : paths.filter(path => printed(path) === complaint.path)
    for (const path of named.length === 0 ? paths : named) {
      if (!failed.has(path)) failed.set(path, shellError(complaint, { command, target: describe(path) }))
    }
  }
  return failed
}

function below(folder: string, path: string): string | undefined {
  const start = `${folder.replace(/\/$/, '')}/`
  return path.startsWith(start) && path.length > start.length ? path.slice(start.length) : undefined
}

function lines(text: string): string[] {
  return text.split('\n').filter(line => line !== '')
}

function readStatus(line: string): Status {
  const [type = '', size, modifiedMs] = line.split('|')
  return { isFile: type === 'regular file', size: Number(size), modifiedMs: Number(modifiedMs) }
}

/** `PATH<tab>COMPOSITE-CRC32C<tab>HEX`. */
function readChecksum(line: string): [path: string, sum: number | 'other'] {
  const [hex = '', kind, ...path] = line.split('\t').toReversed()
  const isOurs = kind === 'COMPOSITE-CRC32C' && /^[0-9a-f]{8}$/.test(hex)
  return [path.toReversed().join('\t'), isOurs ? Number.parseInt(hex, 16) : 'other']
}

function absent(error: unknown): undefined {
  // A file where a directory would be: nothing lies below it.
  const codes = ['OBJECT_NOT_FOUND', 'STORE_KEY_CONFLICT']
  if (!(error instanceof NimctlError && codes.includes(error.code))) throw error
}

function notUnderstood(command: string, stdout: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `hdfs dfs -${command} did not answer as Hadoop's client does.`,
    why: stdout.slice(0, 100) || 'It printed nothing.',
    next: 'Look at the program hdfs on PATH: is it of Hadoop 3?',
    mend: 'not',
  })
}
