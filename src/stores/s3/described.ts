import type { IncomingHttpHeaders } from 'node:http'

import { crc32cFromBase64 } from '../../system/hash.ts'
import { element } from '../http/xml.ts'
import type { StoredObject } from '../store.ts'

/** What several answers say of an object, by the names that they have in XML and in the SDK. */
export interface Fields {
  ETag?: string | undefined
  ChecksumCRC32C?: string | undefined
  ChecksumType?: string | undefined
}

export function fieldsOfHeaders(headers: IncomingHttpHeaders): Fields {
  const sum = headers['x-amz-checksum-crc32c']
  const type = headers['x-amz-checksum-type']
  return { ETag: headers.etag, ChecksumCRC32C: textOf(sum), ChecksumType: textOf(type) }
}

export function fieldsOfXml(xml: string): Fields {
  return {
    ETag: element(xml, 'ETag'),
    ChecksumCRC32C: element(xml, 'ChecksumCRC32C'),
    ChecksumType: element(xml, 'ChecksumType'),
  }
}

/** A header that came twice is no answer to rely on. */
function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined
}

export function described(key: string, size: number, answer: Fields): StoredObject {
  const crc32c = fullCrc32c(answer)
  return {
    key,
    size,
    ...(crc32c === undefined ? {} : { crc32c }),
    ...(answer.ETag === undefined ? {} : { etag: unquoted(answer.ETag) }),
  }
}

/**
 * The MD5 that an ETag is, where it is one: not of objects in parts, and not of those that are encrypted with keys of KMS
 * or of the customer (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html).
 */
export function md5OfHeaders(headers: IncomingHttpHeaders): string | undefined {
  const etag = unquoted(headers.etag ?? '')
  const byKms = textOf(headers['x-amz-server-side-encryption'])?.startsWith('aws:') === true
  const byCustomer = headers['x-amz-server-side-encryption-customer-algorithm'] !== undefined
  return /^[0-9a-f]{32}$/.test(etag) && !byKms && !byCustomer ? etag : undefined
}

/** SeaweedFS leaves the quotes away in some answers. */
export function unquoted(etag: string): string {
  return etag.replaceAll('"', '')
}

/** A composite checksum is one of checksums: it proves nothing to who doesn't know the parts. */
function fullCrc32c({ ChecksumCRC32C, ChecksumType }: Fields): number | undefined {
  return ChecksumCRC32C === undefined || ChecksumType === 'COMPOSITE' ? undefined : crc32cFromBase64(ChecksumCRC32C)
}
