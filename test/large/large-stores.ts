import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'

import { azuriteClient, startAzurite } from '../servers/azurite.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { startGcpStorageEmulator } from '../servers/gcs.ts'
import { startHdfs } from '../servers/hdfs.ts'
import { requireParts } from '../servers/install.ts'
import { startNginx } from '../servers/nginx.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'
import { startVersitygw } from '../servers/versitygw.ts'

/** Where a file of several gibibytes can be brought. One of these is all that a further kind of store needs. */
export interface LargeStore {
  /** As `--only` has it. */
  name: string
  /** @param directory for what is stored; not made yet. It goes afterwards. */
  start(directory: string): Promise<RunningLargeStore>
}

export interface RunningLargeStore {
  url: string
  env: Record<string, string>
  /** Of every command. */
  flags?: readonly string[]
  /** Of the upload alone. */
  uploadFlags?: readonly string[]
  /** What an upload is proved by there. */
  proof: 'full-checksum' | 'parts' | 'size'
  /** By a client that has nothing of nimctl's; both ends of a range included. */
  read: (key: string, range?: { start: number; end: number }) => Promise<Readable>
  stop: () => Promise<void>
}

interface Range {
  start: number
  end: number
}

const credentials = { accessKeyId: 'nimctl-test', secretAccessKey: 'nimctl-test-secret' }
const bucket = 'models'

const seaweedfs: LargeStore = {
  name: 'seaweedfs',
  async start() {
    await requireParts(['seaweedfs'])
    return s3At(await startSeaweedfs({ credentials, buckets: [bucket] }))
  },
}

const versitygw: LargeStore = {
  name: 'versitygw',
  async start() {
    await requireParts(['versitygw'])
    const running = s3At(await startVersitygw({ credentials, buckets: [bucket] }))
    // On ext4 it has room to note some 700 parts: https://github.com/versity/versitygw/issues/2424
    return { ...running, uploadFlags: ['--part-size', '32Mi'] }
  },
}

function s3At({
  env,
  endpoint,
  stop,
}: {
  env: Record<string, string>
  endpoint: string
  stop: () => Promise<void>
}): RunningLargeStore {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    url: `s3://${bucket}`,
    env,
    proof: 'full-checksum',
    async read(key, range) {
      const { Body } = await client.send(
        new GetObjectCommand({ Bucket: bucket, Key: key, ...(range && { Range: headerOf(range) }) }),
      )
      if (!(Body instanceof Readable)) throw new Error('There is no body.')
      return Body
    },
    async stop() {
      client.destroy()
      await stop()
    },
  }
}

/** gcp-storage-emulator, which holds it all in memory; fake-gcs-server would need six times as much. */
const gs: LargeStore = {
  name: 'gs',
  async start() {
    const { endpoint, stop } = await startGcpStorageEmulator({ buckets: [bucket] })
    return {
      url: `gs://${bucket}`,
      env: { STORAGE_EMULATOR_HOST: endpoint },
      // Each part makes it copy all that came before: some 12 GiB and two minutes for 6 GiB.
      uploadFlags: ['--part-size', '128Mi'],
      proof: 'full-checksum',
      async read(key, range) {
        return await get(`${endpoint}/storage/v1/b/${bucket}/o/${key}?alt=media`, range)
      },
      stop,
    }
  },
}

const azure: LargeStore = {
  name: 'azure',
  async start(directory) {
    const { endpoint, env, stop } = await startAzurite({ containers: [bucket], directory })
    const container = azuriteClient(endpoint).getContainerClient(bucket)
    return {
      url: `az://${bucket}`,
      env,
      flags: ['--endpoint-url', endpoint],
      proof: 'parts',
      async read(key, { start = 0, end }: Partial<Range> = {}) {
        const { readableStreamBody } = await container
          .getBlobClient(key)
          .download(start, end === undefined ? undefined : end - start + 1)
        if (!(readableStreamBody instanceof Readable)) throw new Error('There is no body.')
        return readableStreamBody
      },
      stop,
    }
  },
}

const file: LargeStore = {
  name: 'file',
  async start(directory) {
    await mkdir(directory)
    return {
      url: pathToFileURL(directory).href,
      env: {},
      proof: 'size',
      read: async (key, range) => createReadStream(join(directory, key), { ...range, highWaterMark: 2 ** 20 }),
      stop: async () => {},
    }
  },
}

const hdfs: LargeStore = {
  name: 'hdfs',
  async start() {
    const { httpAddress, superuser, stop } = await startHdfs()
    return {
      url: `webhdfs://${httpAddress}/${bucket}`,
      env: { HADOOP_USER_NAME: superuser },
      proof: 'full-checksum',
      async read(key, range) {
        const part = range && { offset: String(range.start), length: String(range.end - range.start + 1) }
        const query = new URLSearchParams({ op: 'OPEN', 'user.name': superuser, ...part })
        return await get(`http://${httpAddress}/webhdfs/v1/${bucket}/${key}?${query.toString()}`)
      },
      stop,
    }
  },
}

/** WebDAV by nginx, over TLS. It is read by another of its addresses. */
const https: LargeStore = {
  name: 'https',
  async start(directory) {
    await mkdir(directory)
    await requireParts(['registry'])
    const tls = await makeCertificates(directory, 'Test Authority')
    const { endpoint, secureEndpoint, stop } = await startNginx({ tls })
    return {
      url: `${secureEndpoint}/dav/${bucket}`,
      env: { NIMCTL_CA_FILE: tls.caFile },
      proof: 'size',
      read: async (key, range) => await get(`${endpoint}/dav/${bucket}/${key}`, range),
      stop,
    }
  },
}

async function get(url: string, range?: Range): Promise<Readable> {
  const headers: Record<string, string> = range === undefined ? {} : { range: headerOf(range) }
  const { body, status } = await fetch(url, { headers })
  if (body === null || status >= 300) throw new Error(`There is no body: ${status}.`)
  return Readable.from(body)
}

const headerOf = ({ start, end }: Range) => `bytes=${start}-${end}`

/** A further kind of store is one more of these. */
export const largeStores: readonly LargeStore[] = [file, seaweedfs, versitygw, gs, azure, hdfs, https]
