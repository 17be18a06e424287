import type { StoredObject } from '../../stores/store.ts'
import { NimctlError } from '../../system/errors.ts'
import type { ReaderAddress } from './address.ts'
import { checkPath } from './paths.ts'
import type { Reader } from './reader.ts'

/**
 * `aws s3 sync` and `aws s3 cp --recursive` back to a directory: links come as copies, empty folders don't come. Both
 * end the prefix with a slash.
 */
export const awsSync: Reader = {
  title: 'aws s3 sync',
  layouts: ['cache', 'plain', 'tar'],
  requireAddress: requireS3,
  checkAddress: () => [],
  takesSiblings: () => false,
  drops: isFolderMarker,
  checkObject: object => (isFolderMarker(object) ? [] : checkPath(object, 'aws')),
  writesPaths: true,
}

function isFolderMarker({ key, size }: StoredObject): boolean {
  return size === 0 && key.endsWith('/')
}

function requireS3({ kind, text }: ReaderAddress): void {
  if (kind === 's3') return
  throw new NimctlError('usage', 'READER_STORE', {
    what: `aws s3 sync does not read ${text}.`,
    why: 'It reads s3:// alone.',
    next: 'Choose another reader, or leave out --reader.',
  })
}
