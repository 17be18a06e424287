import { distance } from 'fastest-levenshtein'

import { matchesCheck } from '../system/check.ts'
import { NimctlError } from '../system/errors.ts'
import { knownChecks } from './catalogue.ts'

/**
 * @param pattern a check's name, or its beginning before a `*`.
 * @throws NimctlError `usage` / `CHECK_UNKNOWN` with the nearest name where no check has it.
 */
export function requireKnownCheck(pattern: string): void {
  if (knownChecks.some(({ name }) => matchesCheck(name, pattern))) return
  const [nearest] = knownChecks.map(({ name }) => name).toSorted((a, b) => distance(a, pattern) - distance(b, pattern))
  throw new NimctlError('usage', 'CHECK_UNKNOWN', {
    what: `No check is named "${pattern}".`,
    next: `The nearest is ${nearest ?? ''}. All of them: nimctl validate --list-checks`,
  })
}
