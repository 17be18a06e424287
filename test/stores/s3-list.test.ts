import { afterEach, describe, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { startStandIn, type StandIn } from './stand-in-s3.ts'

const { signal } = new AbortController()
let server: StandIn | undefined

afterEach(() => server?.stop())

const listOf = async (body: string, cursor?: string) => {
  server = await startStandIn(() => ({ body }))
  const store = await openStore(new URL('s3://bucket/prefix'), {
    endpointUrl: `http://127.0.0.1:${server.port}`,
    region: 'us-east-1',
    signRequests: false,
  })
  try {
    return await store.list('a+b/', cursor, { signal })
  } finally {
    store.close()
  }
}

const page = (inside: string) =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>\n`

describe('a page of a listing', () => {
  it('is asked for in the bucket, with what the signature needs in its order', async () => {
    await listOf(page(''), 'token+/=')
    expect(server?.seen[0]?.url).toBe(
      '/bucket/?continuation-token=token%2B%2F%3D&encoding-type=url&list-type=2&prefix=prefix%2Fa%2Bb%2F',
    )
  })

  it('decodes keys as forms are encoded, where the answer says that they are', async () => {
    const contents = '<Contents><Key>prefix/a%2Bb/%C3%A4+%26</Key><Size>3</Size><ETag>&quot;0a&quot;</ETag></Contents>'
    expect(await listOf(page(`<EncodingType>url</EncodingType>${contents}`))).toEqual({
      objects: [{ key: 'a+b/ä &', size: 3, etag: '0a' }],
    })
  })

  it('takes keys as they are where it says nothing, and passes over what it does not know', async () => {
    const owner = '<Owner><ID>somebody</ID><DisplayName>Key</DisplayName></Owner>'
    const contents = `<Contents>\n<ETag>1b</ETag>${owner}<Key>prefix/a+b/x&amp;%20</Key><Size>0</Size></Contents>`
    expect(await listOf(page(contents))).toEqual({ objects: [{ key: 'a+b/x&%20', size: 0, etag: '1b' }] })
  })

  it('tells of what storage classes have to be restored', async () => {
    const contents = ['STANDARD', 'GLACIER_IR', 'GLACIER', 'DEEP_ARCHIVE'].map(
      name => `<Contents><Key>prefix/${name}</Key><Size>1</Size><StorageClass>${name}</StorageClass></Contents>`,
    )
    const { objects } = await listOf(page(contents.join('')))
    expect(objects.filter(({ archived }) => archived !== undefined)).toEqual([
      { key: 'GLACIER', size: 1, archived: 'GLACIER' },
      { key: 'DEEP_ARCHIVE', size: 1, archived: 'DEEP_ARCHIVE' },
    ])
  })

  it('leaves out the prefix itself, and goes on where there is more', async () => {
    const folder = '<Contents><Key>prefix/</Key><Size>0</Size></Contents>'
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>'
    expect(await listOf(page(more + folder))).toEqual({ objects: [], cursor: 't&1' })
  })

  it.each(['', '<ListBucketResult><Contents><Key>prefix/a</Key>', '<html></html>'])(
    'is no empty one when it is cut off or none at all: %j',
    async body => {
      await expect(listOf(body)).rejects.toMatchObject({ name: 'NimctlError' })
    },
  )
})
