import { element, elements } from '../http/xml.ts'
import type { Page, StoredObject } from '../store.ts'
import { fromNote, noteElement } from './note.ts'
import type { Session } from './session.ts'

const pageSize = '1000'

export async function listObjects(
  session: Session,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  const { blobs, next } = await listBlobs(session, { prefix, cursor, include: 'metadata', signal })
  const objects = blobs.filter(blob => !isFolder(blob)).map(blob => describe(session, blob))
  // What consoles put there to show the prefix as a folder has no name of its own.
  return { objects: objects.filter(({ key }) => key !== ''), ...(next === undefined ? {} : { cursor: next }) }
}

/** A page of the service's own listing. @returns the XML of each blob. */
export async function listBlobs(
  session: Session,
  options: {
    prefix: string
    cursor: string | undefined
    include: 'metadata' | 'uncommittedblobs'
    signal: AbortSignal
  },
): Promise<{ blobs: string[]; next: string | undefined }> {
  const { prefix, cursor, include, signal } = options
  const query = {
    restype: 'container',
    comp: 'list',
    prefix: session.prefix + prefix,
    include,
    maxresults: pageSize,
    ...(cursor === undefined ? {} : { marker: cursor }),
  }
  const { text } = await session.ask('List Blobs', { method: 'GET', query, signal })
  const next = element(text, 'NextMarker')
  return { blobs: [...elements(text, 'Blob')], next: next === '' ? undefined : next }
}

/** A name that XML can't hold comes percent-encoded, and says so. */
export function nameOf(blob: string): string {
  const encoded = /<Name Encoded="true">([^<]*)</.exec(blob)?.[1]
  return encoded === undefined ? (element(blob, 'Name') ?? '') : decodeURIComponent(encoded)
}

/** Accounts with a hierarchical namespace list their directories among the blobs. */
function isFolder(blob: string): boolean {
  return element(blob, 'hdi_isfolder') === 'true' || element(blob, 'ResourceType') === 'directory'
}

function describe(session: Session, blob: string): StoredObject {
  const md5 = element(blob, 'Content-MD5')
  const etag = element(blob, 'Etag')
  return {
    key: nameOf(blob).slice(session.prefix.length),
    size: Number(element(blob, 'Content-Length') ?? 0),
    ...(etag ? { etag: unquoted(etag) } : {}),
    ...(md5 ? { md5: Buffer.from(md5, 'base64').toString('hex') } : {}),
    ...fromNote(element(blob, noteElement)),
    ...(element(blob, 'AccessTier') === 'Archive' && { archived: 'Archive' }),
  }
}

/** Headers have it in quotes, listings don't. */
export function unquoted(etag: string): string {
  return etag.replaceAll('"', '')
}
