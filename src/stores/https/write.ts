import { createHash, randomUUID } from 'node:crypto'

import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import { checkBytes } from '../checksum.ts'
import type { Answer } from '../http/answer.ts'
import type { StoredObject, Sums } from '../store.ts'
import { sha1Of } from './arrival.ts'
import { statFile } from './files.ts'
import { pathOf } from './location.ts'
import { openSending } from './sending.ts'
import type { Server } from './server.ts'
import type { Site } from './site.ts'

/** Where WebDAV servers get what is on its way. Some show a file while it arrives, and keep what was cut off. */
export const incompleteFolder = '.nimctl/incomplete/'

interface PutOptions {
  bytes: Uint8Array
  sums: Sums
  ifAbsent?: boolean | undefined
  signal: AbortSignal
}

export async function putFile(site: Site, key: string, options: PutOptions): Promise<StoredObject> {
  const { bytes, sums, ifAbsent = false, signal } = options
  signal.throwIfAborted()
  const path = pathOf(site.server, key)
  // Most servers check nothing.
  checkBytes(bytes, sums, `${site.server.url.origin}${path}`)
  // Nothing that many servers know does it in one step.
  if (ifAbsent && (await statFile(site, key, { signal })) !== undefined) throw keyExists(site, path)
  if (site.abilities.dav) await putAndMove(site, path, options)
  else await putDirectly(site, path, options)
  return { key, size: bytes.length }
}

async function putAndMove(site: Site, path: string, { bytes, ifAbsent, signal }: PutOptions): Promise<void> {
  const { server } = site
  const incomplete = incompletePath(site, randomUUID())
  await site.folders.makeFor(incomplete, signal)
  await site.folders.makeFor(path, signal)
  try {
    await putBytes(server, { path: incomplete, bytes, signal })
    await moveFile(site, { from: incomplete, to: path, ifAbsent, signal })
  } catch (error) {
    site.folders.noteFailure(error)
    await removeIncomplete(site, incomplete)
    throw error
  }
}

async function putDirectly(site: Site, path: string, { bytes, signal }: PutOptions): Promise<void> {
  const sha1 = site.abilities.product === undefined ? undefined : createHash('sha1').update(bytes).digest('hex')
  const headers = site.abilities.product === 'artifactory' && sha1 !== undefined ? { 'x-checksum-sha1': sha1 } : {}
  const answer = await putBytes(site.server, { path, headers, bytes, signal })
  if (sha1 !== undefined) await checkDigest(site, path, { sha1, answer, mend: 'same', signal })
}

/** Of a larger body, the server is asked first whether it may come. */
const smallBody = 1024 * 1024

async function putBytes(
  server: Server,
  request: { path: string; headers?: Record<string, string>; bytes: Uint8Array; signal: AbortSignal },
): Promise<Answer> {
  const { path, headers = {}, bytes, signal } = request
  if (bytes.length <= smallBody) return await server.ask({ method: 'PUT', path, headers, body: bytes, signal })
  return await server.guard({ method: 'PUT', path, signal }, async () => {
    const sending = await openSending(server, { path, size: bytes.length, headers, signal })
    try {
      await sending.write(bytes, signal)
      return await sending.end(signal)
    } catch (error) {
      sending.destroy()
      throw error
    }
  })
}

export function incompletePath({ server }: Site, id: string): string {
  return server.path + incompleteFolder + id
}

/** Puts what has arrived into its place, whole. */
export async function moveFile(
  { server, folders }: Site,
  {
    from,
    to,
    ifAbsent = false,
    signal,
  }: { from: string; to: string; ifAbsent?: boolean | undefined; signal: AbortSignal },
): Promise<void> {
  await folders.makeFor(to, signal)
  const headers = { destination: server.url.origin + to, overwrite: ifAbsent ? 'F' : 'T' }
  await server.ask({ method: 'MOVE', path: from, headers, silenceMs: longSilenceMs, signal })
}

const tidyingMs = 30_000

/** What went wrong before counts, not what goes wrong here. */
export async function removeIncomplete({ server }: Site, path: string): Promise<void> {
  const signal = AbortSignal.timeout(tidyingMs)
  await server.ask({ method: 'DELETE', path, signal }).catch(() => undefined)
}

/**
 * Compares the SHA-1 that a repository manager computed over what it stored. Artifactory says it in its answer
 * (https://jfrog.com/help/r/jfrog-rest-apis/deploy-artifact), Nexus in its ETag, where it has one.
 *
 * @throws NimctlError `unavailable` / `CHECKSUM_MISMATCH`.
 */
export async function checkDigest(
  { server, abilities }: Site,
  path: string,
  { sha1, answer, mend, signal }: { sha1: string; answer: Answer; mend: 'same' | 'new-upload'; signal: AbortSignal },
): Promise<void> {
  const nexus = abilities.product === 'nexus'
  const found = nexus
    ? sha1Of(await server.ask({ method: 'HEAD', path, signal }))
    : /"checksums"\s*:\s*\{[^}]*"sha1"\s*:\s*"([0-9a-fA-F]{40})"/.exec(answer.text)?.[1]?.toLowerCase()
  if (found === sha1 || (nexus && found === undefined)) return
  if (found === undefined) throw server.notUnderstood({ method: 'PUT', path, signal })
  throw new NimctlError('unavailable', 'CHECKSUM_MISMATCH', {
    what: `${server.url.origin}${path} did not arrive as it was sent.`,
    why: `Its SHA-1 should be ${sha1} and is ${found}.`,
    mend,
  })
}

function keyExists({ server }: Site, path: string): NimctlError {
  return new NimctlError('check-failed', 'STORE_KEY_EXISTS', {
    what: `${server.url.origin}${path} exists already.`,
    why: 'It was to be created only if it is absent.',
  })
}
