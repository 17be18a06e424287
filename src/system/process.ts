import type { Readable, Writable } from 'node:stream'

import { execa } from 'execa'

import { NimctlError } from './errors.ts'
import { readLines } from './lines.ts'

export interface ToolOptions {
  /** The whole environment of the child; nothing is added. Secrets may stand here, never in `args`. */
  env: Record<string, string | undefined>
  signal: AbortSignal
  /** Written to the child's standard input. */
  input?: string | Uint8Array
  /** How to get the tool, a sentence for people: `Install it: apt-get install skopeo …`. */
  install?: string
  /** The child is told when this process ends, however it ends: a program of Node.js then sees `disconnect`. */
  tellEnd?: boolean
  /** Every line of stdout and stderr as it comes, raw: whoever shows it sanitizes it. */
  onLine?: (line: string) => void
}

export interface ToolResult {
  /** `undefined` when a signal ended it from outside. */
  exitCode: number | undefined
  /** Byte for byte. */
  stdout: Buffer
  /** The last lines of stderr, exactly as printed. */
  stderrTail: string
}

/** A program whose input and output flow while it runs. */
export interface RunningTool {
  /** The program goes on waiting until it is ended. What a dead program no longer takes is told by `ended`. */
  stdin: Writable
  /** Whoever starts a program reads this to its end, or destroys it. */
  stdout: Readable
  /**
   * @throws NimctlError `missing-tool` / `TOOL_MISSING`; the signal's reason when it aborts, after the child has ended.
   */
  ended: Promise<{ exitCode: number | undefined; stderr: string[] }>
}

const tailLines = 40
/** SIGKILL follows SIGTERM after this. */
const killAfterMs = 10_000

/**
 * Runs an installed program to its end, without a shell. A bad exit code is a result, not an exception.
 *
 * @throws NimctlError `missing-tool` / `TOOL_MISSING`; the signal's reason when it aborts, after the child has ended.
 */
export async function runTool(name: string, args: readonly string[], options: ToolOptions): Promise<ToolResult> {
  options.signal.throwIfAborted()
  const child = execa(name, args, {
    env: definedOnly(options.env),
    extendEnv: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
    cancelSignal: options.signal,
    forceKillAfterDelay: killAfterMs,
    ...(options.tellEnd === true && { ipc: true as const }),
    encoding: 'buffer',
    stripFinalNewline: false,
    buffer: { stdout: true, stderr: false },
    reject: false,
  })
  const tail: string[] = []
  const reading = Promise.all([
    readLines(child.stderr, line => {
      tail.push(line)
      if (tail.length > tailLines) tail.shift()
      options.onLine?.(line)
    }).catch(ignoreBrokenStream),
    options.onLine === undefined ? undefined : readLines(child.stdout, options.onLine).catch(ignoreBrokenStream),
  ])
  const result = await child
  await reading
  options.signal.throwIfAborted()
  if (result.exitCode === undefined && result.signal === undefined) throw notStarted(name, result, options.install)
  return { exitCode: result.exitCode, stdout: Buffer.from(result.stdout), stderrTail: tail.join('\n') }
}

/**
 * Starts an installed program, without a shell, and leaves its input and output to the caller.
 *
 * @param options.stderrLines how many lines of stderr are kept, from the first.
 */
export function startTool(
  name: string,
  args: readonly string[],
  options: Pick<ToolOptions, 'env' | 'signal' | 'install'> & { stderrLines: number },
): RunningTool {
  const child = execa(name, args, {
    env: definedOnly(options.env),
    extendEnv: false,
    cancelSignal: options.signal,
    forceKillAfterDelay: killAfterMs,
    encoding: 'buffer',
    buffer: false,
    reject: false,
  })
  const { stdin, stdout } = child
  for (const stream of [stdin, stdout]) stream.on('error', ignoreBrokenStream)
  const stderr: string[] = []
  const reading = readLines(child.stderr, line => {
    if (stderr.length < options.stderrLines) stderr.push(line)
  }).catch(ignoreBrokenStream)
  const end = async () => {
    const result = await child
    await reading
    options.signal.throwIfAborted()
    if (result.exitCode === undefined && result.signal === undefined) throw notStarted(name, result, options.install)
    return { exitCode: result.exitCode, stderr }
  }
  const ended = end()
  ended.catch(ignoreBrokenStream)
  return { stdin, stdout, ended }
}

function notStarted(
  name: string,
  result: { code?: string | undefined; cause?: unknown },
  install: string | undefined,
): Error {
  if (result.code === 'ENOENT' || result.code === 'EACCES') {
    return new NimctlError('missing-tool', 'TOOL_MISSING', {
      what: `The program ${name} could not be started.`,
      why: result.code === 'ENOENT' ? 'It is not installed, or not in PATH.' : 'It is not executable.',
      next: install,
      cause: result.cause,
    })
  }
  return result.cause instanceof Error ? result.cause : new Error(`${name} could not be started.`)
}

/** A killed child breaks its pipes; its end is reported by execa. */
function ignoreBrokenStream(): void {}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))
}
