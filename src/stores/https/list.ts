import { buffer } from 'node:stream/consumers'

import { NimctlError } from '../../system/errors.ts'
import type { Page, StoredObject } from '../store.ts'
import type { Abilities } from './abilities.ts'
import { parseIndex } from './index-page.ts'
import { encodeKey } from './location.ts'
import { MultistatusError, readMultistatus, wantedProperties } from './multistatus.ts'
import type { HttpsRequest, Server } from './server.ts'
import { incompleteFolder } from './write.ts'

/** Made at once: their answers make a page. */
const requestsAPage = 4

/**
 * Servers list a folder at a time, in no order. The cursor names the folders that are still to be asked for, so any page
 * can be asked for again. Memory is bounded by the entries of these folders.
 */
export async function listFiles(
  server: Server,
  { listing, hidesDotNames }: Abilities,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  if (listing === 'none') throw listsNothing(server)
  signal.throwIfAborted()
  const foldersAPage = hidesDotNames ? requestsAPage / 2 : requestsAPage
  const folders = cursor === undefined ? [prefix.slice(0, prefix.lastIndexOf('/') + 1)] : parseCursor(cursor)
  const list = listing === 'propfind' ? listByPropfind : listByIndex
  const asked = folders.slice(0, foldersAPage)
  const hidden = hidesDotNames ? asked.flatMap(folder => ownFolderIn(folder, prefix)) : []
  const found = await Promise.all([...asked, ...hidden].map(folder => list(server, folder, signal)))
  const wanted = found.flat().filter(({ key, isFolder }) => mayHold(key, isFolder, prefix))
  const left = [...wanted.flatMap(({ key, isFolder }) => (isFolder ? [key] : [])), ...folders.slice(foldersAPage)]
  const objects = wanted.flatMap(({ key, isFolder, size }): StoredObject[] => (isFolder ? [] : [{ key, size }]))
  return { objects, ...(left.length > 0 && { cursor: JSON.stringify(left) }) }
}

/** What is found there, no server shows in the folder above it. */
function ownFolderIn(folder: string, prefix: string): string[] {
  const own = `${folder}.nimctl/`
  return !folder.endsWith('.nimctl/') && mayHold(own, true, prefix) && own !== prefix ? [own] : []
}

interface Listed {
  /** Of a folder with `/` at its end. */
  key: string
  isFolder: boolean
  /** Bytes. */
  size: number
}

function mayHold(key: string, isFolder: boolean, prefix: string): boolean {
  if (key.endsWith(incompleteFolder)) return false
  return key.startsWith(prefix) || (isFolder && prefix.startsWith(key))
}

/** @param folder a key with `/` at its end, or empty. */
async function listByPropfind(server: Server, folder: string, signal: AbortSignal): Promise<Listed[]> {
  const request: HttpsRequest = {
    method: 'PROPFIND',
    path: server.path + encodeKey(folder),
    headers: { depth: '1', 'content-type': 'application/xml' },
    body: wantedProperties,
    accepts: status => status === 207 || status === 404,
    signal,
  }
  return await server.guard(request, async () => {
    const incoming = await server.open(request)
    if (incoming.statusCode === 404) {
      incoming.resume()
      return []
    }
    const own = decodePath(request.path.replace(/\/$/, ''))
    const listed: Listed[] = []
    try {
      for await (const { path, isFolder, size } of readMultistatus(incoming)) {
        const found = decodePath(path)
        if (found === own) continue
        const name = found?.slice(own === undefined ? 0 : own.length + 1)
        if (name === undefined || found !== `${own}/${name}` || name.includes('/')) {
          throw new MultistatusError(`It names ${path} as lying in ${request.path}.`)
        }
        listed.push({ key: folder + name + (isFolder ? '/' : ''), isFolder, size })
      }
    } catch (error) {
      throw error instanceof MultistatusError ? server.notUnderstood(request, error) : error
    }
    return listed.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  })
}

/** @param folder a key with `/` at its end, or empty. */
async function listByIndex(server: Server, folder: string, signal: AbortSignal): Promise<Listed[]> {
  const request: HttpsRequest = {
    method: 'GET',
    path: server.path + encodeKey(folder),
    headers: { accept: 'application/json' },
    accepts: status => status === 200 || status === 404,
    signal,
  }
  return await server.guard(request, async () => {
    const incoming = await server.open(request)
    const text = (await buffer(incoming)).toString()
    if (incoming.statusCode === 404) return []
    const entries = parseIndex(text)
    if (entries === undefined) throw server.notUnderstood(request)
    return entries.map(({ name, isFolder, size }) => ({ key: folder + name + (isFolder ? '/' : ''), isFolder, size }))
  })
}

/** Names that are not UTF-8 can't be decoded: `undefined`. */
function decodePath(path: string): string | undefined {
  try {
    return path.split('/').map(decodeURIComponent).join('/')
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

function parseCursor(cursor: string): string[] {
  const value: unknown = JSON.parse(cursor)
  return Array.isArray(value) ? value.map(String) : []
}

function listsNothing({ url }: Server): NimctlError {
  return new NimctlError('unavailable', 'STORE_UNSUPPORTED', {
    what: `${url.href} can't be listed.`,
    why: 'The server knows neither PROPFIND (WebDAV) nor nginx\'s "autoindex_format json".',
    next: 'Switch one of them on.',
    mend: 'not',
  })
}
