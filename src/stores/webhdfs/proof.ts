import { NimctlError } from '../../system/errors.ts'
import { crc32cToHex } from '../../system/hash.ts'
import { parseJson, read, textAt } from '../../system/json.ts'
import { readChecksum } from './checksum.ts'
import type { Session } from './session.ts'
import type { Status } from './status.ts'

/**
 * HDFS computes a checksum over what it stored, but another one than ours (checksum.ts). Which CRC32C belongs to it is
 * noted beside the file: while the server's checksum is the noted one, the file's CRC32C is the noted one too.
 */
const attribute = 'user.nimctl'

/** Both of the same bytes. */
export interface Note {
  crc32c: number
  /** 32 hex digits. */
  checksum: string
}

/** `undefined` where it is of a kind that says nothing to us. */
export async function askChecksum(session: Session, path: string, signal: AbortSignal): Promise<string | undefined> {
  const { text } = await session.client.exchange({ method: 'GET', op: 'GETFILECHECKSUM', path, signal })
  const found = read(parseJson(text), 'FileChecksum')
  const checksum = readChecksum({ algorithm: textAt(found, 'algorithm') ?? '', bytes: textAt(found, 'bytes') ?? '' })
  if (checksum === undefined) session.capabilities.statProof = 'size'
  return checksum
}

/** @returns whether it could be: file systems may be without extended attributes. */
export async function writeNote(
  session: Session,
  path: string,
  { note, signal }: { note: Note; signal: AbortSignal },
): Promise<boolean> {
  const value = `"crc32c=${crc32cToHex(note.crc32c)} md5crc=${note.checksum}"`
  const query = { 'xattr.name': attribute, 'xattr.value': value, flag: 'CREATE,REPLACE' }
  return await withAttributes(session, async () => {
    await session.client.ask({ method: 'PUT', op: 'SETXATTR', path, query, signal })
    return true
  })
}

/** The CRC32C of a file, as far as the server's checksum proves it. */
export async function provedCrc32c(
  session: Session,
  path: string,
  { status, signal }: { status: Status; signal: AbortSignal },
): Promise<number | undefined> {
  if (status.size === 0) return 0
  if (session.capabilities.statProof !== 'full-checksum') return undefined
  const note = await readNote(session, path, signal)
  if (note === undefined) return undefined
  return (await askChecksum(session, path, signal)) === note.checksum ? note.crc32c : undefined
}

async function readNote(session: Session, path: string, signal: AbortSignal): Promise<Note | undefined> {
  const found = await withAttributes(session, () =>
    session.client.ask({ method: 'GET', op: 'GETXATTRS', path, query: { encoding: 'text' }, signal }),
  )
  const attributes = read(found, 'XAttrs')
  const ours = Array.isArray(attributes) ? attributes.find(one => textAt(one, 'name') === attribute) : undefined
  const match = /crc32c=([0-9a-f]{8}) md5crc=([0-9a-f]{32})/.exec(textAt(ours, 'value') ?? '')
  const [, crc32c, checksum] = match ?? []
  return crc32c === undefined || checksum === undefined ? undefined : { crc32c: Number.parseInt(crc32c, 16), checksum }
}

async function withAttributes<T>(session: Session, run: () => Promise<T>): Promise<T | false> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof NimctlError) || error.code !== 'STORE_UNSUPPORTED') throw error
    session.capabilities.statProof = 'size'
    return false
  }
}
