import { NimctlError } from '../../system/errors.ts'
import { checkKey, keyOutside, isDecodable } from '../key.ts'

/** On the same file system as the objects, so that a rename moves no bytes. No object lies in it. */
export const incompleteFolder = '.nimctl-incomplete'

/** Where a store's keys lie. */
export interface Location {
  readonly url: URL
  /** Absolute, without a slash at the end; empty at the root of the file system. */
  readonly root: string
}

/** @throws NimctlError `usage` / `STORE_URL_INVALID`. */
export function parseHdfsUrl(url: URL): Location {
  const problem = problemOf(url)
  if (problem !== undefined) {
    throw new NimctlError('usage', 'STORE_URL_INVALID', {
      what: `"${url.protocol}//${url.host}${url.pathname}" is not the address of a directory in HDFS.`,
      why: problem,
      next: `Write it as: ${url.protocol}//namenode${url.protocol === 'hdfs:' ? ':8020' : ':9870'}/path`,
    })
  }
  return { url, root: decodeURIComponent(url.pathname).replace(/\/+$/, '') }
}

/**
 * The absolute path of an object. Rules: DFSUtilClient.isValidName.
 *
 * @throws NimctlError `usage` / `STORE_KEY_OUTSIDE`, `STORE_KEY_NOT_ALLOWED`.
 */
export function pathOf({ url, root }: Location, key: string): string {
  checkKey(key, url)
  const parts = key.split('/')
  if (parts[0] === incompleteFolder) throw keyOutside(key, url)
  if (parts.includes('')) throw notAllowed(key, 'A name between two slashes is empty.')
  if (key.includes(':')) throw notAllowed(key, 'HDFS takes no ":" in a name.')
  return `${root}/${key}`
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function notAllowed(key: string, why: string): NimctlError {
  return new NimctlError('usage', 'STORE_KEY_NOT_ALLOWED', {
    what: `HDFS can have no file ${JSON.stringify(key)}.`,
    why,
    next: 'Rename it, or put all into one archive: --layout tar',
  })
}

function problemOf(url: URL): string | undefined {
  if (url.hostname === '') return 'It names no namenode.'
  if (url.username !== '' || url.password !== '') return 'Who asks is said by HADOOP_USER_NAME or a token.'
  if (url.search !== '' || url.hash !== '') return 'Write "?" and "#" in a path as %3F and %23.'
  return isDecodable(url.pathname) ? undefined : 'A "%" in a path is written as %25.'
}
