import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { onProcessEnd } from '../servers/cleanup.ts'
import { virtualEnvironment } from '../servers/locate.ts'
import { toolEnvironment } from '../servers/tool-environment.ts'

export interface Command {
  /** As a reader would type it. */
  shown: string
  /** Path. */
  program: string
  args: readonly string[]
}

export interface Measured {
  seconds: number
  /** User and system time of the process and its children. */
  cpuSeconds: number
  /** Largest resident set, in bytes. */
  peakMemory: number
  /** From files and sockets, by the process alone. */
  readBytes: number
}

export interface MeasureOptions {
  env: Readonly<Record<string, string>>
  /** A directory for logs and results. */
  work: string
}

/** Runs a command to its end. It sees only `env`. Throws with the end of its output when it fails. */
export async function measure({ shown, program, args }: Command, { env, work }: MeasureOptions): Promise<Measured> {
  const python = join(virtualEnvironment('tools'), 'bin/python3')
  const resultFile = join(work, 'measured.json')
  const logFile = join(work, 'output.log')
  const log = openSync(logFile, 'w')
  const child = spawn(python, [join(import.meta.dirname, 'measure.py'), resultFile, program, ...args], {
    env: toolEnvironment(env),
    stdio: ['ignore', log, log],
    // A group of its own: both processes of it are ended at once.
    detached: true,
  })
  closeSync(log)
  const forget = onProcessEnd(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  try {
    const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve))
    const output = async () => (await readFile(logFile, 'utf8')).trimEnd().split('\n').slice(-20).join('\n')
    if (code !== 0) throw new Error(`Could not run: ${shown}\n${await output()}`)
    const { exitCode, ...measured }: Measured & { exitCode: number } = JSON.parse(await readFile(resultFile, 'utf8'))
    if (exitCode !== 0) throw new Error(`It ended with ${exitCode}: ${shown}\n${await output()}`)
    return measured
  } finally {
    forget()
  }
}
