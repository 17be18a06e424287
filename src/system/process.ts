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
