import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { onProcessEnd } from './cleanup.ts'
import { commandLines, isRunning } from './processes.ts'

export interface TemporaryDirectory {
  path: string
  remove: () => void
}

const prefix = 'nimctl-'

/**
 * Removed when the process ends, at the latest. A process that was killed outright leaves it; the next one takes it
 * away, which is why the name carries the process id. `sudo` is what to put before a command that removes root's files.
 */
export function makeTemporaryDirectory(sudo: readonly string[] = []): TemporaryDirectory {
  removeAbandoned()
  // Short: a socket's path may have 108 bytes, and the engine adds its own to it.
  const path = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
  const forget = onProcessEnd(() => removeTree(path, sudo))
  return {
    path,
    remove: () => {
      removeTree(path, sudo)
      forget()
    },
  }
}

function removeTree(path: string, sudo: readonly string[]): void {
  const [program, ...args] = sudo
  if (program === undefined) rmSync(path, { recursive: true, force: true, maxRetries: 3 })
  else execFileSync(program, [...args, 'rm', '-rf', path])
}

let swept = false

function removeAbandoned(): void {
  if (swept) return
  swept = true
  const pattern = new RegExp(`^${prefix}(\\d+)-[A-Za-z0-9]{6}$`)
  for (const name of readdirSync(tmpdir())) {
    const owner = pattern.exec(name)?.[1]
    if (owner === undefined || isRunning(Number(owner))) continue
    const path = join(tmpdir(), name)
    if (commandLines().some(({ commandLine }) => commandLine.includes(path))) continue
    try {
      removeTree(path, [])
    } catch (error) {
      if (!isPermissionError(error)) throw error
    }
  }
}

/** Another user's: not ours to remove. */
function isPermissionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM')
}
