import { ListObjectsV2Command, type ListObjectsV2Output } from '@aws-sdk/client-s3'

import type { Page } from '../store.ts'
import { unquoted } from './described.ts'
import type { Session } from './session.ts'

export async function listObjects(
  session: Session,
  { prefix, cursor, signal }: { prefix: string; cursor: string | undefined; signal: AbortSignal },
): Promise<Page> {
  const command = new ListObjectsV2Command({
    Bucket: session.bucket,
    Prefix: session.prefix + prefix,
    // XML can't hold every character that a key may have.
    EncodingType: 'url',
    ...(cursor === undefined ? {} : { ContinuationToken: cursor }),
  })
  const answer = await session.request({ action: 'ListObjectsV2', signal }, (s3, options) => s3.send(command, options))
  const next = answer.IsTruncated === true ? answer.NextContinuationToken : undefined
  return { objects: objectsOf(session, answer), ...(next === undefined ? {} : { cursor: next }) }
}

function objectsOf(session: Session, { Contents = [], EncodingType }: ListObjectsV2Output): Page['objects'] {
  return Contents.map(({ Key = '', Size = 0, ETag }) => ({
    key: (EncodingType === 'url' ? decodeKey(Key) : Key).slice(session.prefix.length),
    size: Size,
    ...(ETag === undefined ? {} : { etag: unquoted(ETag) }),
  })).filter(({ key }) => key !== '') // What consoles put there to show the prefix as a folder.
}

/** As forms are encoded: a space is `+`, a plus is `%2B`. */
function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
