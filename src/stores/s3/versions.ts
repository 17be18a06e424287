import { NimctlError } from '../../system/errors.ts'
import { element, elements } from '../http/xml.ts'
import { decodeKey } from './list.ts'
import type { Session } from './session.ts'

/** Of a key that is the beginning of many others, its own versions come first. */
const pageSize = '10'

/**
 * When the delete marker was set that hides an object. Who may list may not always list versions, and many servers have
 * none: then nothing is known.
 */
export async function findDeletion(
  session: Session,
  key: string,
  { signal }: { signal: AbortSignal },
): Promise<string | undefined> {
  const name = session.prefix + key
  const query = { 'encoding-type': 'url', 'max-keys': pageSize, prefix: name, versions: '' }
  try {
    const { text } = await session.ask('ListObjectVersions', { method: 'GET', query, signal })
    const markers = [...elements(text, 'DeleteMarker')]
    const marker = markers.find(xml => isLatestOf(xml, name))
    return marker === undefined ? undefined : element(marker, 'LastModified')
  } catch (error) {
    if (error instanceof NimctlError && error.category !== 'unavailable') return undefined
    throw error
  }
}

function isLatestOf(xml: string, name: string): boolean {
  const key = element(xml, 'Key') ?? ''
  return element(xml, 'IsLatest') === 'true' && [key, decodeKey(key)].includes(name)
}
