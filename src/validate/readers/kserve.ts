import { archiveKey, type InventoryHeader } from '../../inventory/inventory.ts'
import type { StoredObject } from '../../stores/store.ts'
import type { Check } from '../../system/check.ts'
import { NimctlError } from '../../system/errors.ts'
import { splitPrefix, type ReaderAddress } from './address.ts'
import { checkPath } from './paths.ts'
import { structural, type Reader } from './reader.ts'

/**
 * KServe's storage initializer, as kserve_storage.py of kserve-storage 0.21 reads (reference/nim.md 6.4). Hybrid Manager
 * reads with it, too.
 */
export const kserve: Reader = {
  title: 'KServe',
  layouts: ['cache', 'plain', 'tar'],
  requireAddress: requireRemote,
  checkAddress: (address, header) => [...checkSpelling(address), ...checkArchive(address, header)],
  takesSiblings: ({ kind, prefix, isArchive }) => {
    if (kind === 's3') return prefix !== '' && !prefix.endsWith('/') && !isArchive
    // It strips the slashes off, and takes an archive with all that begins like it.
    return kind === 'azure' && splitPrefix({ prefix }).base !== ''
  },
  drops,
  // As Python's mimetypes tells tar and zip by the name.
  unpacks: key => /\.(?:tar(?:\.(?:gz|bz2|xz))?|tgz|taz|tz|tbz2|txz|zip)$/i.test(key),
  checkContentType,
  checkObject: (object, address) => (drops(object, address) ? checkFolderKey(object) : checkPath(object, 'KServe')),
  writesPaths: true,
}

/** @throws NimctlError `usage` / `READER_STORE`. */
function requireRemote({ kind, text }: ReaderAddress): void {
  if (kind !== 'file') return
  throw new NimctlError('usage', 'READER_STORE', {
    what: `No pod in a cluster reads ${text}.`,
    why: 'It is a directory of this machine.',
    next: 'Give the store that the cluster reads, or leave out --reader.',
  })
}

function drops({ key, size }: StoredObject, { kind }: ReaderAddress): boolean {
  if (kind === 's3') return size === 0 || key.endsWith('/')
  if (kind === 'azure') return size === 0
  return kind === 'gs' && key.endsWith('/')
}

function checkFolderKey({ key, size }: StoredObject): Check[] {
  if (size === 0 || !key.endsWith('/')) return []
  return [
    structural({
      name: 'reader.folder-key',
      status: 'warning',
      path: key,
      found: `${size} bytes under a key that ends in a slash`,
      next: 'KServe takes it for a folder and passes over it: give it another key, if it is content.',
    }),
  ]
}

/** What the address means to KServe, where that is not what it means to nimctl. */
export function checkSpelling(address: ReaderAddress): Check[] {
  const { text, protocol, kind, authority, prefix } = address
  const wrong = (found: string, next: string): Check[] => [
    structural({ name: 'reader.address', status: 'failed', path: text, found, next }),
  ]
  if (protocol === 'az:') {
    return wrong('KServe knows no az://', `Give it https://ACCOUNT.blob.core.windows.net/${authority}/${prefix}`)
  }
  if (protocol === 'swebhdfs:') {
    return wrong('KServe knows no swebhdfs://', `Give it webhdfs://${prefix}, and the namenode in its secret`)
  }
  if (kind === 'hdfs') return checkHdfsSpelling(address)
  if (/%[0-9a-f]{2}/i.test(prefix) && kind !== 'https') {
    const plain = decodeURIComponent(prefix)
    return wrong('KServe decodes no percent signs', `Give it the prefix as it is: ${JSON.stringify(plain)}`)
  }
  if (kind === 'gs' && prefix.replaceAll('/', '') === '') {
    return wrong('the root of a bucket, where KServe looks for keys that begin with a slash', 'Upload to a prefix.')
  }
  if (kind === 'azure' && prefix === '' && !text.endsWith('/')) {
    return wrong('a container without a slash behind it, on which KServe fails', `Give it ${text}/`)
  }
  return []
}

function checkHdfsSpelling({ text, protocol, authority, prefix }: ReaderAddress): Check[] {
  const path = `/${authority}/${prefix}`.replace('//', '/')
  return [
    structural({
      name: 'reader.address',
      // Without a namenode it is right but for a slash more than KServe documents.
      status: authority === '' ? 'warning' : 'failed',
      path: text,
      expected: `the path alone: ${protocol}//${prefix}`,
      found: authority === '' ? 'a slash before the path' : `which KServe reads as the path ${path}`,
      next: `Give it ${protocol}//${prefix}, and the namenode as HDFS_NAMENODE in its secret.`,
    }),
  ]
}

function checkArchive({ kind, text, isArchive }: ReaderAddress, header: InventoryHeader | undefined): Check[] {
  const folder = isArchive ? text.slice(0, -archiveKey.length) : text.replace(/\/?$/, '/')
  const isTar = header?.layout === 'tar'
  if (kind === 'https' && !isArchive) {
    return [
      structural({
        name: 'reader.one-file',
        status: 'failed',
        path: text,
        expected: 'the address of one file: KServe lists nothing over https',
        found: 'the address of a folder',
        next: isTar ? `Give it ${folder}${archiveKey}` : `Upload an archive: nimctl upload DIR ${folder} --layout tar`,
      }),
    ]
  }
  if (header === undefined || isArchive === isTar) return []
  return [
    structural({
      name: 'reader.archive',
      status: 'failed',
      path: text,
      expected: isTar ? `the address of the archive, ${folder}${archiveKey}` : `the address of the prefix, ${folder}`,
      found: isTar ? 'that of its folder, from which KServe takes the archive and does not unpack it' : 'no archive',
      next: `Give it ${isTar ? `${folder}${archiveKey}` : folder}`,
    }),
  ]
}

/** For names that end in `.tar`. */
const tarTypes = ['application/x-tar', 'application/x-gtar', 'application/x-gzip', 'application/gzip']

function checkContentType(contentType: string | undefined, { text }: ReaderAddress): Check[] {
  const name = 'reader.content-type'
  if (tarTypes.some(type => contentType?.startsWith(type))) return [structural({ name, status: 'ok', path: text })]
  return [
    structural({
      name,
      status: 'failed',
      path: text,
      expected: tarTypes.join(', '),
      found: contentType ?? 'no type',
      next: 'Let the server give .tar files the type application/x-tar: KServe refuses the file otherwise.',
    }),
  ]
}
