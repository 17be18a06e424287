import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { never, putText, sumsOf } from './contract-tools.ts'
import { useEnvironment } from './environment.ts'
import { type Given, type StandIn, startStandIn } from './stand-in-s3.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-east-1' })

/** What they have answered to the newer headers, where somebody wrote it down. Some have learned them since. */
const documented = [
  // https://github.com/stonith404/pingvin-share/issues/798, vatesfr/xen-orchestra#8358
  ['Backblaze B2', 400, 'InvalidArgument', "Unsupported header 'x-amz-checksum-crc32c' received for this API call."],
  // milvus-io/milvus-storage#480
  ["Google's interoperability", 400, 'ExcessHeaderValues', 'Multiple values for one header'],
  // aws/aws-sdk-java-v2#5987
  ["Google's interoperability, of a signed header", 403, 'SignatureDoesNotMatch', 'Access denied.'],
  // ovh/public-cloud-roadmap#781, docs.netapp.com (StorageGRID)
  ['OVH, StorageGRID', 400, 'InvalidRequest', 'The algorithm type you specified is not supported.'],
  // storj/gateway-st#92, opencti#10733 (S3Proxy)
  ['Storj, S3Proxy', 501, 'NotImplemented', 'A header you provided implies functionality that is not implemented'],
] as const

const text = Buffer.from('text')
const md5 = createHash('md5').update(text).digest('base64')
let server: StandIn
let store: Store

function useServer(status: number, code: string, message: string): void {
  const body = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
  beforeEach(async () => {
    server = await startStandIn(request => (isNewer(request) ? refuse(request, { status, body }) : take(request)))
    store = await openStore(new URL('s3://bucket'), { endpointUrl: `http://127.0.0.1:${server.port}` })
  })
  afterEach(() => {
    store.close()
    server.stop()
  })
}

describe.each(documented)('%s (%i %s)', (_who, status, code, message) => {
  useServer(status, code, message)

  it('gets Content-MD5 for an object, and is not asked twice', async () => {
    await putText(store, 'a', 'text')
    await putText(store, 'b', 'text')
    expect(server.seen.map(({ headers }) => headers['content-md5'])).toEqual([undefined, md5, md5])
    expect(store.capabilities.statProof).toBe('parts')
  })

  it('gets Content-MD5 for objects that were begun beside each other', async () => {
    await Promise.all(['a', 'b', 'c', 'd'].map(key => putText(store, key, 'text')))
    expect(server.seen.filter(({ headers }) => headers['content-md5'] === md5)).toHaveLength(4)
  })

  it('gets Content-MD5 for each part', async () => {
    const upload = await store.openUpload('a', { size: 4, partSize: 4, ...never })
    const part = await upload.putPart(1, text, sumsOf(text), never)
    await upload.complete(sumsOf(text), [part], never)
    const puts = server.seen.filter(({ method }) => method === 'PUT')
    expect(puts.map(({ headers }) => headers['content-md5'])).toEqual([md5])
  })
})

/** Known of those that refuse what they don't know; a refused signature would look like a missing permission here. */
describe.each(documented.filter(([, status]) => status !== 403))(
  'asked for a checksum, %s',
  (_who, status, code, message) => {
    useServer(status, code, message)

    it('tells of an object, and of one that is not there, without being asked for a checksum', async () => {
      expect(await store.stat('a', never)).toEqual({ key: 'a', size: 4, etag: '0123' })
      expect(await store.stat('missing', never)).toBeUndefined()
      expect(store.capabilities.statProof).toBe('parts')
    })

    it('tells that an object is not there when that is the first question', async () => {
      expect(await store.stat('missing', never)).toBeUndefined()
    })
  },
)

function isNewer({ headers, url = '' }: IncomingMessage): boolean {
  return Object.keys(headers).some(name => name.startsWith('x-amz-checksum-')) && !url.includes('list-type')
}

/** An answer to HEAD has no body. */
function refuse({ method }: IncomingMessage, { status, body }: { status: number; body: string }): Given {
  return method === 'HEAD' ? { status } : { status, body }
}

function take({ method, url = '' }: IncomingMessage): Given {
  if (url.includes('list-type')) return { body: '<ListBucketResult></ListBucketResult>' }
  if (url.includes('missing')) return { status: 404 }
  if (method === 'POST') return { body: '<R><UploadId>id</UploadId><ETag>"0123"</ETag></R>' }
  return { headers: { etag: '"0123"', 'content-length': method === 'HEAD' ? '4' : '0' } }
}
