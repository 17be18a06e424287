import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'

import { encodeUri } from '../../src/stores/http/encode.ts'
import { signRequest } from '../../src/stores/s3/sign.ts'
import { nastyKeys } from './contract-tools.ts'

const emptyBody = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const example = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const scope = { region: 'us-east-1', service: 's3', now: new Date('2013-05-24T00:00:00.500Z') }
const host = 'examplebucket.s3.amazonaws.com'

/** https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Examples: Signature Calculations". */
describe('what Amazon publishes', () => {
  it.each([
    [
      'GetObject',
      {
        method: 'GET',
        path: '/test.txt',
        query: '',
        headers: { host, range: 'bytes=0-9', 'x-amz-content-sha256': emptyBody },
      },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    [
      'PutObject',
      {
        method: 'PUT',
        path: '/test%24file.text',
        query: '',
        headers: {
          host,
          date: 'Fri, 24 May 2013 00:00:00 GMT',
          'x-amz-storage-class': 'REDUCED_REDUNDANCY',
          'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        },
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ],
    [
      'GetBucketLifecycle',
      { method: 'GET', path: '/', query: 'lifecycle=', headers: { host, 'x-amz-content-sha256': emptyBody } },
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    ],
    [
      'ListObjects',
      { method: 'GET', path: '/', query: 'max-keys=2&prefix=J', headers: { host, 'x-amz-content-sha256': emptyBody } },
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('%s', (_, request, signature) => {
    const { authorization } = signRequest(request, example, scope)
    expect(authorization).toMatch(new RegExp(`, Signature=${signature}$`))
  })
})

/** The longest way round: the SDK's own signer, with the path and query as it encodes them itself. */
describe("what the SDK's signer makes of it", () => {
  const keys = [...nastyKeys, "it's (a) *!", 'a//b', 'x'.repeat(1000)]

  it.each(keys)('%j', async key => {
    const credentials = { ...example, sessionToken: 'a+token/with=signs' }
    const path = `/bucket/${key.split('/').map(encodeUri).join('/')}`
    const query = { partNumber: '7', uploadId: key }
    const headers = {
      host: '127.0.0.1:9000',
      'content-type': 'application/octet-stream',
      'x-amz-checksum-crc32c': 'AAAAAA==',
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-copy-source': `bucket/${encodeUri(key)}`,
    }
    const encodedQuery = `partNumber=7&uploadId=${encodeUri(key)}`
    const ours = signRequest({ method: 'PUT', path, query: encodedQuery, headers }, credentials, scope)
    const request = { method: 'PUT', protocol: 'http:', hostname: '127.0.0.1', port: 9000, path, query, headers }
    expect(ours).toEqual(await signedBySdk(request, credentials))
  })
})

it('signs anew with another secret, region and day', () => {
  const request = { method: 'GET', path: '/', query: '', headers: { host, 'x-amz-content-sha256': emptyBody } }
  const signatures = [
    signRequest(request, example, scope),
    signRequest(request, { ...example, secretAccessKey: 'other' }, scope),
    signRequest(request, example, { ...scope, region: 'eu-west-1' }),
    signRequest(request, example, { ...scope, now: new Date('2013-05-25T00:00:00Z') }),
    signRequest(request, example, scope),
  ].map(({ authorization }) => authorization)
  expect(new Set(signatures).size).toBe(4)
  expect(signatures[4]).toBe(signatures[0])
})

async function signedBySdk(request: object, credentials: object): Promise<unknown> {
  const { config } = new S3Client({ region: scope.region, credentials: { ...example, ...credentials } })
  const signer = await config.signer()
  const signed = await signer.sign({ ...request, body: undefined } as Parameters<typeof signer.sign>[0], {
    signingDate: scope.now,
    signingRegion: scope.region,
    signingService: scope.service,
  })
  return signed.headers
}
