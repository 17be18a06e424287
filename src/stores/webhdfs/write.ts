import type { Session } from './session.ts'

/** Makes the file, and the folders above it. The size of its blocks stays for as long as it is there. */
export async function createFile(
  session: Session,
  path: string,
  { bytes, blockSize, signal }: { bytes?: Uint8Array; blockSize: number; signal: AbortSignal },
): Promise<void> {
  const { permission, replication } = session.settings
  const query = {
    overwrite: 'true',
    blocksize: String(blockSize),
    ...(permission !== undefined && { permission }),
    ...(replication !== undefined && { replication: String(replication) }),
  }
  await session.client.exchange({ method: 'PUT', op: 'CREATE', path, query, signal }, bytes)
}

/** Gives a file to whom it is to belong. Only a superuser gives it to another user. @returns whether anybody was named. */
export async function setOwner(session: Session, path: string, signal: AbortSignal): Promise<boolean> {
  const [owner = '', group = ''] = session.settings.owner?.split(':') ?? []
  if (owner === '' && group === '') return false
  const query = { ...(owner !== '' && { owner }), ...(group !== '' && { group }) }
  await session.client.ask({ method: 'PUT', op: 'SETOWNER', path, query, signal })
  return true
}

/** Without bytes: succeeds when nobody else is writing, so that the length of the file is final. */
export async function appendTo(
  session: Session,
  path: string,
  { bytes, signal }: { bytes?: Uint8Array; signal: AbortSignal },
): Promise<void> {
  await session.client.exchange({ method: 'POST', op: 'APPEND', path, signal }, bytes)
}

/** Succeeds when nothing is there. */
export async function removePath(
  session: Session,
  path: string,
  { recursive, signal }: { recursive: boolean; signal: AbortSignal },
): Promise<void> {
  await session.client.ask({ method: 'DELETE', op: 'DELETE', path, query: { recursive: String(recursive) }, signal })
}
