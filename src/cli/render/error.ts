import { exitCodes, NimctlError } from '../../system/errors.ts'
import { sanitize } from '../../system/secret.ts'

export interface RenderedError {
  exitCode: number
  text: string
  json: object
}

/** Every way in which a command can fail, as text and as the JSON document of cli.md. */
export function renderError(error: unknown): RenderedError {
  if (isInterruption(error)) return renderInterruption(error)
  if (error instanceof NimctlError) return renderFailure(error)
  const stack = sanitize(error instanceof Error ? (error.stack ?? error.message) : String(error))
  return {
    exitCode: exitCodes.unexpected,
    text: `Unexpected error, this is a bug in nimctl:\n${stack}`,
    json: {
      formatVersion: 1,
      kind: 'Error',
      category: 'unexpected',
      code: 'UNEXPECTED',
      exitCode: exitCodes.unexpected,
      what: stack,
    },
  }
}

function renderFailure({ category, code, message, why, next }: NimctlError): RenderedError {
  const exitCode = exitCodes[category]
  const what = sanitize(message)
  const cause = why === undefined ? undefined : sanitize(why)
  return {
    exitCode,
    text: [`Error: ${what}`, cause, next].filter(line => line !== undefined && line !== '').join('\n'),
    json: { formatVersion: 1, kind: 'Error', category, code, exitCode, what, why: cause, next },
  }
}

interface Interruption {
  interruptedBy: string
  exitCode: number
}

function isInterruption(error: unknown): error is Interruption {
  return typeof error === 'object' && error !== null && 'interruptedBy' in error && 'exitCode' in error
}

function renderInterruption({ interruptedBy, exitCode }: Interruption): RenderedError {
  const what = `Interrupted by ${interruptedBy}.`
  const next = 'What was finished is kept; the same command goes on.'
  return {
    exitCode,
    text: `${what} ${next}`,
    json: { formatVersion: 1, kind: 'Error', category: 'interrupted', code: 'INTERRUPTED', exitCode, what, next },
  }
}
