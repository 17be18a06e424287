import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'

import { CommanderError, type Command } from 'commander'

import { errorCode, exitCodes, NimctlError } from '../system/errors.ts'
import { silent } from '../system/progress.ts'
import type { Context } from './context.ts'
import { createProgram, type GlobalFlags } from './program.ts'
import { renderDocument } from './render/document.ts'
import { renderError } from './render/error.ts'
import { openRenderer, type Renderer } from './render/renderer.ts'

/** Commander leaves by throwing also when it has only shown help or the version. */
const helpCodes = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version'])

const signalExitCodes = { SIGINT: 130, SIGTERM: 143 } as const

type Signal = keyof typeof signalExitCodes

/** Runs one command line and returns its exit code. Nothing else in nimctl writes to the terminal or maps errors to codes. */
export async function run(args: readonly string[]): Promise<number> {
  // Looked up before parsing, so that a usage error is JSON too.
  const json = args.includes('--json')
  const interrupt = listenForSignals()
  process.stdout.on('error', ignoreClosedPipe)
  let renderer: Renderer = { report: silent, close: () => {} }
  let exitCode = 0
  const noteOutcome = (fields: object) => {
    if ('ok' in fields && fields.ok === false) exitCode = exitCodes['check-failed']
    if ('exitCode' in fields && typeof fields.exitCode === 'number') exitCode = fields.exitCode
  }

  const context: Context = {
    env: process.env,
    signal: interrupt.signal,
    report: event => renderer.report(event),
    print(kind, fields, forPeople) {
      renderer.close()
      process.stdout.write(`${json ? JSON.stringify({ formatVersion: 1, kind, ...fields }) : forPeople()}\n`)
      noteOutcome(fields)
    },
    async printLong(kind, fields, { name, items, forPeople }) {
      renderer.close()
      if (json) await writeAll(renderDocument({ formatVersion: 1, kind, ...fields }, name, items))
      else process.stdout.write(`${await forPeople()}\n`)
      noteOutcome(fields)
    },
    readStdin: () => text(process.stdin),
  }
  const program = await createProgram(context, args)
  program.hook('preAction', async (_program: Command, action: Command) => {
    renderer = await openRenderer(action.optsWithGlobals<GlobalFlags>(), process.stderr, process.env)
  })

  try {
    await program.parseAsync(args, { from: 'user' })
    renderer.close()
    return interrupt.signal.aborted ? signalExitCodes[reasonOf(interrupt.signal)] : exitCode
  } catch (error) {
    renderer.close()
    if (error instanceof CommanderError && helpCodes.has(error.code)) return error.exitCode === 0 ? 0 : exitCodes.usage
    const rendered = renderError(translate(error, interrupt.signal))
    if (json) process.stdout.write(`${JSON.stringify(rendered.json)}\n`)
    else process.stderr.write(`${rendered.text}\n`)
    return rendered.exitCode
  }
}

/** The first signal stops cleanly; a second one ends the process at once, as users expect. */
function listenForSignals(): AbortController {
  const interrupt = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // Not `once`: where no listener is left, what ends child processes with us takes the first signal for the last.
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(signalExitCodes[signal])
      interrupt.abort(signal)
    })
  }
  // Where `nimctl run` started us and was killed, nobody waits for us any more.
  process.once('disconnect', () => interrupt.abort('SIGTERM'))
  process.channel?.unref()
  return interrupt
}

function reasonOf(signal: AbortSignal): Signal {
  return signal.reason === 'SIGTERM' ? 'SIGTERM' : 'SIGINT'
}

function translate(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return { interruptedBy: reasonOf(signal), exitCode: signalExitCodes[reasonOf(signal)] }
  if (!(error instanceof CommanderError)) return error
  return new NimctlError('usage', 'USAGE', {
    what: error.message.replace(/^error: /, ''),
    next: 'Run with --help to see what is accepted.',
  })
}

/** No faster than the reader takes it. */
async function writeAll(pieces: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(pieces, process.stdout, { end: false })
  } catch (error) {
    if (errorCode(error) !== 'EPIPE') throw error
  }
}

/** `nimctl … | head` is no error. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
