import { readFileSync, readdirSync } from 'node:fs'

export interface RunningProcess {
  pid: number
  parent: number
  commandLine: string
}

/** A dead child that nobody has waited for yet still has its id, so kill(pid, 0) is not enough. */
export function isRunning(pid: number): boolean {
  const status = readStatus(pid)
  return status !== undefined && status.state !== 'Z'
}

export function commandLines(): RunningProcess[] {
  return readdirSync('/proc')
    .map(Number)
    .filter(pid => Number.isInteger(pid) && pid !== process.pid)
    .flatMap(pid => {
      const status = readStatus(pid)
      const commandLine = readProc(pid, 'cmdline')?.replaceAll('\0', ' ')
      return status === undefined || commandLine === undefined ? [] : [{ pid, parent: status.parent, commandLine }]
    })
}

export function descendants(pid: number): number[] {
  const processes = commandLines()
  const below = (parent: number): number[] =>
    processes.filter(child => child.parent === parent).flatMap(child => [child.pid, ...below(child.pid)])
  return below(pid)
}

function readStatus(pid: number): { state: string; parent: number } | undefined {
  const text = readProc(pid, 'stat')
  // The name, in parentheses, may hold spaces and parentheses itself.
  const [state, parent] = text?.slice(text.lastIndexOf(')') + 2).split(' ') ?? []
  return state === undefined || parent === undefined ? undefined : { state, parent: Number(parent) }
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Ended between the listing and the reading.
    return undefined
  }
}
