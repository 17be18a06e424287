import { NimctlError } from '../../system/errors.ts'
import { longSilenceMs } from '../../system/http/connections.ts'
import type { StoredObject } from '../store.ts'
import type { Abilities } from './abilities.ts'
import { statFile } from './files.ts'
import { pathOf } from './location.ts'
import type { Site } from './site.ts'

export async function copyFile(
  site: Site,
  { from, to, signal }: { from: string; to: string; signal: AbortSignal },
): Promise<StoredObject> {
  if (!canCopy(site.abilities)) throw copiesNothing(site)
  const paths = { from: pathOf(site.server, from), to: pathOf(site.server, to), signal }
  await (site.abilities.product === 'artifactory' ? deployByChecksum(site, paths) : copyByDav(site, paths))
  const copied = await statFile(site, to, { signal })
  if (copied === undefined) throw site.server.notUnderstood({ method: 'COPY', path: paths.from, signal })
  return copied
}

export function canCopy({ dav, product }: Abilities): boolean {
  return dav || product === 'artifactory'
}

function copiesNothing({ server }: Site): NimctlError {
  return new NimctlError('unavailable', 'STORE_UNSUPPORTED', {
    what: `The server of ${server.url.href} can't copy files.`,
    why: 'It knows neither COPY (WebDAV) nor X-Checksum-Deploy (Artifactory).',
    next: 'Upload with: --links follow',
    mend: 'not',
  })
}

interface Paths {
  from: string
  to: string
  signal: AbortSignal
}

async function copyByDav({ server, folders }: Site, { from, to, signal }: Paths): Promise<void> {
  await folders.makeFor(to, signal)
  const headers = { destination: server.url.origin + to, overwrite: 'T', depth: '0' }
  await server.ask({ method: 'COPY', path: from, headers, silenceMs: longSilenceMs, signal })
}

/**
 * Artifactory keeps each content once, and gives it another name where it knows its checksum:
 * https://jfrog.com/help/r/jfrog-rest-apis/deploy-artifact-by-checksum
 */
async function deployByChecksum({ server }: Site, { from, to, signal }: Paths): Promise<void> {
  const head = { method: 'HEAD', path: from, signal } as const
  const sha1 = (await server.ask(head)).headers['x-checksum-sha1']
  if (typeof sha1 !== 'string') throw server.notUnderstood(head, new Error('It names no SHA-1.'))
  const headers = { 'x-checksum-deploy': 'true', 'x-checksum-sha1': sha1 }
  await server.ask({ method: 'PUT', path: to, headers, silenceMs: longSilenceMs, signal })
}
