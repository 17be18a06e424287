import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'

import type { V1Status } from '@kubernetes/client-node'

import { errorMessage, NimctlError } from '../system/errors.ts'
import { readLines } from '../system/lines.ts'
import { sanitize } from '../system/secret.ts'
import type { ExecOutcome, ExecRequest } from './cluster.ts'
import type { Connection } from './connect.ts'
import { errorOfAnswer } from './errors.ts'

/** What is used of the library's WebSocket. */
interface Socket {
  close(): void
  onclose: (() => void) | null
}

/** A server that has not agreed to run the command in this time is as good as unreachable. The command has no such limit. */
const answerMs = 30_000

/** What the WebSocket asks for: `get` in every version, `create` as well in those of 2025 and later. */
export const execTask = 'create pods/exec'

/** Runs a command in a container and hands on each line of its output. */
export async function runInContainer(
  connection: Connection,
  { pod, container, command, onLine }: ExecRequest,
  signal: AbortSignal,
): Promise<ExecOutcome> {
  const { Exec } = await import('@kubernetes/client-node')
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const { promise: ended, resolve, reject } = Promise.withResolvers<V1Status>()
  const { config, namespace } = connection
  const started = new Exec(config).exec(namespace, pod, container, [...command], stdout, stderr, null, false, resolve)
  const socket: Socket = await untilAborted(started, AbortSignal.any([signal, AbortSignal.timeout(answerMs)])).catch(
    (error: unknown) => {
      throw refusal(error, connection)
    },
  )
  // After the status this changes nothing.
  socket.onclose = () => reject(cutOff(connection))
  try {
    const whole = Promise.all([ended, text(stderr), readLines(stdout, onLine)])
    const [status, said] = await untilAborted(whole, signal)
    return { exitCode: exitCodeOf(status), said: sanitize(said || status.message || '').trim() }
  } finally {
    stdout.destroy()
    stderr.destroy()
    socket.close()
  }
}

async function untilAborted<Value>(value: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const give = () => reject(signal.reason)
  signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([value, promise])
  } finally {
    signal.removeEventListener('abort', give)
  }
}

/** Of the protocol v4 and later (https://github.com/kubernetes/kubernetes/tree/master/staging/src/k8s.io/apimachinery/pkg/util/remotecommand). */
function exitCodeOf({ status, reason, details }: V1Status): number | undefined {
  if (status === 'Success') return 0
  const cause = details?.causes?.find(each => each.reason === 'ExitCode')
  return reason === 'NonZeroExitCode' && cause !== undefined ? Number(cause.message) : undefined
}

/** The library gives an event: of a refused upgrade with the HTTP status alone, else with the system's error. */
function refusal(event: unknown, { server, namespace }: Connection): unknown {
  const error = typeof event === 'object' && event !== null && 'error' in event ? event.error : event
  const status = Number(/Unexpected server response: (\d{3})/.exec(errorMessage(error))?.[1] ?? 0)
  if (status === 0) return error
  const message =
    status === 403
      ? 'The API server answers HTTP 403. A command in a container takes the verbs get and create of pods/exec.'
      : `The API server answers HTTP ${status}.`
  return errorOfAnswer({ status, reason: '', message }, { task: execTask, server, namespace })
}

function cutOff({ server }: Connection): NimctlError {
  return new NimctlError('unavailable', 'CLUSTER_UNREACHABLE', {
    what: `The connection through ${server} to the container ended before the command did.`,
    next: 'Run the same command again.',
  })
}
