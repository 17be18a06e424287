import { spawn, spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

import { onProcessEnd } from './cleanup.ts'
import { findProgram } from './locate.ts'
import { descendants, isRunning } from './processes.ts'

export interface ProcessOptions {
  name: string
  command: string
  args: readonly string[]
  env?: NodeJS.ProcessEnv
  /** The process writes here, both streams. */
  logFile: string
  /** Asks the server; called again until it says true. */
  isReady: () => Promise<boolean>
  readyTimeoutMs?: number
  /** Between SIGTERM and SIGKILL. 0 kills at once, for servers whose orderly end takes long and saves nothing here. */
  graceMs?: number
  /** Runs it as root: from rootPrefix(). Then signals go the same way. */
  sudo?: readonly string[]
  /** Instead of SIGTERM: how the process is asked to end. */
  askToEnd?: () => void
}

export interface StartedProcess {
  pid: number
  stop: () => Promise<void>
}

export async function startProcess(options: ProcessOptions): Promise<StartedProcess> {
  const { name, logFile, isReady, readyTimeoutMs = 60_000, graceMs = 5_000, sudo = [] } = options
  const log = openSync(logFile, 'a')
  const [program, args] = dieWithParent(
    [...sudo, options.command, ...options.args],
    graceMs > 0 && options.askToEnd === undefined ? 'TERM' : 'KILL',
  )
  // In a group of its own, so that Ctrl-C reaches it through us, in our order.
  const child = spawn(program, args, { env: options.env, stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  const ended = new Promise<string>(resolve => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    child.once('error', error => resolve(error.message))
  })
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start: ${await ended}`)
  const askToEnd = options.askToEnd ?? (() => sendSignal(pid, 'SIGTERM', sudo))
  const forget = onProcessEnd(() => stopNow({ pid, graceMs, sudo, askToEnd }))

  const stop = async () => {
    if (isRunning(pid) && graceMs > 0) {
      askToEnd()
      await Promise.race([ended, wait(graceMs, undefined, { ref: false })])
    }
    if (isRunning(pid)) sendSignal(pid, 'SIGKILL', sudo)
    await ended
    forget()
  }
  let outcome: string | undefined
  const noteEnd = ended.then(how => (outcome = how))
  const deadline = Date.now() + readyTimeoutMs
  while (!(await isReady())) {
    if (outcome === undefined && Date.now() < deadline) {
      await Promise.race([noteEnd, wait(50)])
      continue
    }
    const what = outcome === undefined ? `did not answer within ${readyTimeoutMs} ms` : `ended early (${outcome})`
    await stop()
    throw new Error(`${name} ${what}. The end of its log:\n${tail(logFile)}`)
  }
  return { pid, stop }
}

/** The kernel sends the signal even where this process is killed outright and runs no cleanup. */
function dieWithParent(command: readonly string[], signal: 'TERM' | 'KILL'): [string, string[]] {
  const setpriv = findProgram('setpriv')
  const [program = '', ...args] = command
  return setpriv === undefined ? [program, args] : [setpriv, ['--pdeathsig', signal, '--', program, ...args]]
}

/** Without the event loop, which does not turn any more at exit. */
function stopNow(options: { pid: number; graceMs: number; sudo: readonly string[]; askToEnd: () => void }) {
  const { pid, graceMs, sudo, askToEnd } = options
  if (!isRunning(pid)) return
  if (graceMs > 0) {
    askToEnd()
    waitForEnd(pid, graceMs)
  }
  if (isRunning(pid)) sendSignal(pid, 'SIGKILL', sudo)
  waitForEnd(pid, 2_000)
}

function waitForEnd(pid: number, timeoutMs: number): void {
  const deadline = Date.now() + timeoutMs
  const never = new Int32Array(new SharedArrayBuffer(4))
  while (isRunning(pid) && Date.now() < deadline) Atomics.wait(never, 0, 0, 20)
}

export function sendSignal(pid: number, signal: NodeJS.Signals, sudo: readonly string[] = []): void {
  const [program, ...args] = sudo
  if (program !== undefined) {
    // sudo, killed, would leave the process that it runs. The shell's own kill: the program is not on every machine.
    const pids = signal === 'SIGKILL' ? [...descendants(pid), pid] : [pid]
    const kill = ['sh', '-c', `kill -${signal.slice(3)} ${pids.join(' ')}`]
    spawnSync(program, [...args, ...kill], { stdio: 'ignore' })
    return
  }
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-20).join('\n')
}
