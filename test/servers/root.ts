import { spawnSync } from 'node:child_process'

import { findProgram } from './locate.ts'

/** What to put before a command so that root runs it; undefined where nobody lets us. */
export function rootPrefix(): string[] | undefined {
  if (process.getuid?.() === 0) return []
  const sudo = findProgram('sudo')
  if (sudo === undefined) return undefined
  return spawnSync(sudo, ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? [sudo, '-n'] : undefined
}
