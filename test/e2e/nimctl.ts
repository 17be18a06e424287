import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
  /** The one document of `--json`. */
  json(): Record<string, unknown>
}

export interface RunOptions {
  /** Beside PATH and HOME; nothing else of this process's environment reaches nimctl. */
  env?: Record<string, string>
  input?: string
  cwd?: string
  /** What runs it instead of this Node: another one, or something in front of it. */
  program?: readonly [string, ...string[]]
}

/** Runs the built program as users do, in an environment that the test alone decides. */
export async function nimctl(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { env = {}, input, cwd, program = [process.execPath] } = options
  const [command, ...before] = program
  return await new Promise((resolve, reject) => {
    const child = execFile(
      command,
      [...before, join(root, 'bin/nimctl.js'), ...args],
      { env: environment(env), cwd, maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (error !== null && typeof error.code !== 'number') return reject(error)
        return resolve({ exitCode: Number(error?.code ?? 0), stdout, stderr, json: () => JSON.parse(stdout) })
      },
    )
    child.stdin?.end(input ?? '')
  })
}

/** For what a test only prepares: throws with what was said where it did not end well. */
export function succeeded(outcome: Outcome): Outcome {
  if (outcome.exitCode === 0) return outcome
  throw new Error(`nimctl exited with ${outcome.exitCode}:\n${outcome.stderr}`)
}

/** For tests that interrupt it. */
export function startNimctl(
  args: readonly string[],
  { env = {}, cwd, program = [process.execPath] }: RunOptions = {},
): ChildProcess {
  const [command, ...before] = program
  return spawn(command, [...before, join(root, 'bin/nimctl.js'), ...args], {
    env: environment(env),
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function environment(env: Record<string, string>): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', NO_COLOR: '1', ...env }
}
