import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { root } from './markdown.ts'

export interface ShellPlace {
  /** Where it runs. */
  directory: string
  /** Beside PATH, all of the environment. */
  env: Readonly<Record<string, string>>
}

export interface Ran {
  exitCode: number
  /** Standard output, then standard error. */
  output: string
}

/** Runs a script as a reader pastes it, but that the first failure ends it, also of a variable or of a part of a pipe. */
export async function runShell(script: string, { directory, env }: ShellPlace): Promise<Ran> {
  const path = `${await commandOnPath(directory)}:${process.env['PATH'] ?? ''}`
  return await new Promise((resolve, reject) => {
    const shell = execFile(
      'bash',
      // Its standard input is a socket, as a remote shell's: then it would read its start-up file.
      ['--norc', '-eu', '-o', 'pipefail', '-c', script],
      { cwd: directory, env: { ...env, PATH: path }, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') reject(error)
        else resolve({ exitCode: Number(error?.code ?? 0), output: `${stdout}${stderr}` })
      },
    )
    shell.stdin?.end()
  })
}

/** A folder with the command `nimctl`, which is the built program. */
async function commandOnPath(directory: string): Promise<string> {
  const folder = join(directory, 'bin')
  await mkdir(folder, { recursive: true })
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${join(root, 'bin/nimctl.js')}' "$@"\n`
  await writeFile(join(folder, 'nimctl'), shim, { mode: 0o755 })
  return folder
}

/** Replaces what a reader is told to change. Throws where no value is given: nothing runs with a reader's example. */
export function withValues(script: string, values: Readonly<Record<string, string>>): string {
  return script.replaceAll(assignment, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`The test gives no value for ${name}.`)
    return `${name}='${value}'`
  })
}

/** The names that a script gives values to. */
export function variablesOf(script: string): string[] {
  return [...script.matchAll(assignment)].map(([, name = '']) => name)
}

const assignment = /^[ \t]*(\w+)=.*$/gm
