import { execa } from 'execa'

import { requireProgram } from './locate.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface RanTool {
  exitCode: number
  stdout: string
  stderr: string
}

/** Runs to its end and returns how it ended; a test expects failures too. */
export async function runTool(
  part: 'aws' | 's5cmd' | 'kserve',
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<RanTool> {
  const options = { env: toolEnvironment(env), extendEnv: false, reject: false, stdin: 'ignore' } as const
  const { exitCode, stdout, stderr, failed, originalMessage } = await execa(requireProgram(part, part), args, options)
  // No exit code: it did not start, or a signal ended it.
  if (exitCode === undefined)
    throw new Error(`${part} ended without an exit code: ${failed} ${originalMessage}\n${stderr}`)
  return { exitCode, stdout, stderr }
}
