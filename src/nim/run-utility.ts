import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { NimctlError } from '../system/errors.ts'
import { readLines } from '../system/lines.ts'
import { isSecretName, sanitize, secret, type Secret } from '../system/secret.ts'
import type { Utility } from './families.ts'

interface UtilityRun {
  engine: ContainerEngine
  container: Omit<ContainerRequest, 'entrypoint' | 'command'>
  /** Tried in this order. */
  utilities: readonly Utility[]
}

type OnLine = (line: string, stream: 'stdout' | 'stderr') => void

/** Not executable and not found, where a script of the image starts the program. */
const shellExitsForNoProgram = [126, 127]

/**
 * Runs the first of an image's utilities whose program the image has; `undefined` where it has none of them.
 *
 * @param onLine gets each line as it comes, without secrets and control characters.
 */
export async function runUtility(
  { engine, container, utilities }: UtilityRun,
  { signal, onLine }: { signal: AbortSignal; onLine: OnLine },
): Promise<ContainerResult | undefined> {
  const [utility, ...others] = utilities
  if (utility === undefined) return undefined
  try {
    const result = await runForLines(engine, { ...container, ...utility }, { signal, onLine })
    if (!shellExitsForNoProgram.includes(result.exitCode) || others.length === 0) return result
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'COMMAND_NOT_FOUND') throw error
  }
  return await runUtility({ engine, container, utilities: others }, { signal, onLine })
}

async function runForLines(
  engine: ContainerEngine,
  request: ContainerRequest,
  { signal, onLine }: { signal: AbortSignal; onLine: OnLine },
): Promise<ContainerResult> {
  const secrets = secretsOf(request.env)
  const reading: Promise<void>[] = []
  const result = await engine.run(request, {
    signal,
    onOutput({ stdout, stderr }) {
      reading.push(
        readLines(stdout, line => onLine(sanitize(line, secrets), 'stdout')),
        readLines(stderr, line => onLine(sanitize(line, secrets), 'stderr')),
      )
    },
  })
  await Promise.all(reading)
  return result
}

/** What must not be shown if the container prints it: secrets, and values whose name says that they are one. */
function secretsOf(env: ContainerRequest['env']): Secret[] {
  return Object.entries(env).flatMap(([name, value]) => {
    if (typeof value !== 'string') return [value]
    return isSecretName(name) && value.length >= 8 ? [secret(value)] : []
  })
}
