import type { IncomingMessage } from 'node:http'

import type { LogRequest } from './cluster.ts'
import type { Connection } from './connect.ts'
import { sendRequest } from './request.ts'

/**
 * Asks for a container's log as a stream. The client library's own `Log` says neither why it failed nor when it ended,
 * so only its log-in is used.
 */
export function requestLog(
  connection: Connection,
  { pod, container, since, follow = true, previous = false, tailLines }: LogRequest,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const query = {
    container,
    follow: String(follow),
    timestamps: 'true',
    ...(since !== undefined && { sinceTime: since }),
    ...(previous && { previous: 'true' }),
    ...(tailLines !== undefined && { tailLines: String(tailLines) }),
  }
  return sendRequest(connection, { path: `/api/v1/namespaces/${connection.namespace}/pods/${pod}/log`, query }, signal)
}
