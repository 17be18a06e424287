import type { ContainerEngine, ContainerRequest, ContainerResult } from '../system/container-engine.ts'
import { readLines } from '../system/lines.ts'
import type { Report } from '../system/progress.ts'
import { type Secret, sanitize } from '../system/secret.ts'

export interface FinishedRun extends ContainerResult {
  stdout: string[]
  stderr: string[]
}

/** Runs a container to its end and keeps what it printed, apart, so that logs do not cut into a list. */
export async function runForLines(
  engine: ContainerEngine,
  request: ContainerRequest,
  { signal, report }: { signal: AbortSignal; report: Report },
): Promise<FinishedRun> {
  const printed: Pick<FinishedRun, 'stdout' | 'stderr'> = { stdout: [], stderr: [] }
  const secrets = Object.values(request.env).filter(isSecret)
  let reading: Promise<PromiseSettledResult<void>[]> | undefined
  const keep = (name: 'stdout' | 'stderr') => (line: string) => {
    const shown = sanitize(line, secrets)
    printed[name].push(shown)
    report({ event: 'log', source: 'list-model-profiles', line: shown })
  }
  const result = await engine.run(request, {
    signal,
    onOutput({ stdout, stderr }) {
      reading = Promise.allSettled([readLines(stdout, keep('stdout')), readLines(stderr, keep('stderr'))])
    },
  })
  for (const outcome of (await reading) ?? []) if (outcome.status === 'rejected') throw outcome.reason
  return { ...result, ...printed }
}

function isSecret(value: string | Secret): value is Secret {
  return typeof value !== 'string'
}
