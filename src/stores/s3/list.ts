import type { Answer } from '../http/answer.ts'
import { element } from '../http/xml.ts'
import type { Page, StoredObject } from '../store.ts'
import { resultMissing } from './answer.ts'
import { unquoted } from './described.ts'
import type { Session } from './session.ts'

/** Without the SDK, whose XML took most of what a run costs that has nothing to send. */
export async function listObjects(
  session: Session,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  const query = {
    ...(cursor === undefined ? {} : { 'continuation-token': cursor }),
    // XML can't hold every character that a key may have.
    'encoding-type': 'url',
    'list-type': '2',
    prefix: session.prefix + prefix,
  }
  const answer = await session.ask('ListObjectsV2', { method: 'GET', query, signal })
  requireWhole(session, answer, signal)
  const next =
    element(answer.text, 'IsTruncated') === 'true' ? element(answer.text, 'NextContinuationToken') : undefined
  return { objects: objectsOf(session, answer.text), ...(next === undefined ? {} : { cursor: next }) }
}

/** A page that is cut off would tell of fewer objects than there are. */
function requireWhole(session: Session, answer: Answer, signal: AbortSignal): void {
  if (/<\/ListBucketResult>\s*$/.test(answer.text.slice(-200))) return
  throw session.translate(resultMissing(answer, 'ListBucketResult'), { action: 'ListObjectsV2', signal })
}

const begin = '<Contents>'
const end = '</Contents>'

function objectsOf({ prefix }: Session, xml: string): StoredObject[] {
  const decode = element(xml, 'EncodingType') === 'url' ? decodeKey : ownText
  const objects: StoredObject[] = []
  let to = 0
  for (let from = xml.indexOf(begin); from >= 0; from = xml.indexOf(begin, to)) {
    to = xml.indexOf(end, from)
    const object = objectOf(xml.slice(from, to), { prefix, decode })
    // What consoles put there to show the prefix as a folder.
    if (object.key !== '') objects.push(object)
  }
  return objects
}

function objectOf(xml: string, { prefix, decode }: { prefix: string; decode: (key: string) => string }): StoredObject {
  const key = decode(element(xml, 'Key') ?? '').slice(prefix.length)
  const size = Number(element(xml, 'Size') ?? 0)
  const etag = element(xml, 'ETag')
  const storageClass = element(xml, 'StorageClass') ?? ''
  return {
    key,
    size,
    ...(etag !== undefined && { etag: ownText(unquoted(etag)) }),
    ...(archiveClasses.has(storageClass) && { archived: ownText(storageClass) }),
  }
}

/** Of these an object has to be restored first; GLACIER_IR is read as any other. */
const archiveClasses = new Set(['GLACIER', 'DEEP_ARCHIVE'])

/** As forms are encoded: a space is `+`, a plus is `%2B`. */
export function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}

/** A part of a string keeps the whole in memory, which here is a page of 1,000 objects. */
function ownText(text: string): string {
  return Buffer.from(text).toString()
}
