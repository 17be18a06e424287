import type { IncomingHttpHeaders } from 'node:http'

import { NimctlError } from '../../system/errors.ts'
import type { StoredObject } from '../store.ts'
import { pathOf } from './location.ts'
import type { Server } from './server.ts'
import type { Site } from './site.ts'

export async function statFile(
  { server }: Pick<Site, 'server'>,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<StoredObject | undefined> {
  const found = await headFile(server, pathOf(server, key), signal)
  if (found === undefined) return undefined
  const contentType = found.headers['content-type']
  return { key, size: found.size, ...(contentType !== undefined && { contentType }) }
}

export interface FileHead {
  /** Bytes. */
  size: number
  headers: IncomingHttpHeaders
}

/** Of folders and of nothing at all, servers say 404, or that they don't know HEAD for it: `undefined`. */
export async function headFile(server: Server, path: string, signal: AbortSignal): Promise<FileHead | undefined> {
  // Packed on the way, it would have another length.
  const request = {
    method: 'HEAD',
    path,
    headers: { 'accept-encoding': 'identity' },
    accepts: isHeadAnswer,
    signal,
  } as const
  try {
    const { status, headers } = await server.ask(request)
    if (status === 405) return undefined
    const size = Number(headers['content-length'] ?? Number.NaN)
    if (!Number.isSafeInteger(size)) throw server.notUnderstood(request, new Error('It names no size.'))
    return { size, headers }
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** rclone says 405 of folders. */
function isHeadAnswer(status: number): boolean {
  return status < 300 || status === 405
}

export async function removeFile({ server }: Site, key: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const path = pathOf(server, key)
  try {
    await server.ask({ method: 'DELETE', path, signal })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof NimctlError && error.code === 'OBJECT_NOT_FOUND'
}
