import { exitCodes, type ErrorCategory } from '../../system/errors.ts'
import type { CommandOutcome } from './ports.ts'
import type { StepError } from './result.ts'

/** Why a command did not do what it should; `undefined` where it did. */
export function failureOf({ exitCode, document }: CommandOutcome): StepError | undefined {
  if (exitCode === 0) return undefined
  if (document['kind'] === 'Error') return documentedError(document)
  if (document['ok'] === false)
    return {
      category: 'check-failed',
      code: 'STEP_NOT_OK',
      exitCode: exitCodes['check-failed'],
      what: `${String(document['kind'])} says that not all is as asked.`,
      next: 'The same command alone shows more.',
    }
  return {
    category: 'unexpected',
    code: 'STEP_ENDED',
    exitCode: exitCodes.unexpected,
    what:
      exitCode === undefined ? 'A signal ended the command.' : `The command ended with ${exitCode} and no document.`,
    next: 'Run it again; what was finished is kept.',
  }
}

function documentedError(document: CommandOutcome['document']): StepError {
  const text = (name: string) => (typeof document[name] === 'string' ? { [name]: document[name] } : {})
  const category = document['category']
  const known = typeof category === 'string' && category in exitCodes ? (category as ErrorCategory) : 'unexpected'
  return {
    category: known,
    code: String(document['code']),
    exitCode: exitCodes[known],
    what: String(document['what']),
    ...text('why'),
    ...text('next'),
  }
}
