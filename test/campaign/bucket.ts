import { createHash } from 'node:crypto'

import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'

/** Looks into a bucket without anything of nimctl's. */
export interface Bucket {
  make(): Promise<void>
  /** With all that is in it. */
  remove(): Promise<void>
  /** As another tool would. */
  put(key: string, bytes: Uint8Array): Promise<void>
  /** Bytes by key below a prefix, with the prefix cut off. */
  sizes(prefix: string): Promise<Map<string, number>>
  /** Whole, by its key with the prefix. */
  read(key: string): Promise<Uint8Array>
  /** SHA-256 by key. */
  hashes(prefix: string): Promise<Record<string, string>>
  /** Keys of multipart uploads that were neither completed nor aborted. */
  openUploads(prefix: string): Promise<string[]>
  clear(prefix: string): Promise<void>
  close(): void
}

/** SHA-256 by key. */
export async function readHashes(
  { sizes, read }: Pick<Bucket, 'sizes' | 'read'>,
  prefix: string,
): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const key of [...(await sizes(prefix)).keys()].toSorted()) {
    found[key] = createHash('sha256')
      .update(await read(prefix + key))
      .digest('hex')
  }
  return found
}

export function openBucket(env: Record<string, string>, name: string): Bucket {
  const s3 = new S3Client({
    endpoint: env.AWS_ENDPOINT_URL ?? '',
    region: env.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '' },
  })
  const sizes = async (prefix: string) => {
    const found = new Map<string, number>()
    let token: string | undefined
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: name, Prefix: prefix, ContinuationToken: token, MaxKeys: 1000 }),
      )
      for (const { Key = '', Size = 0 } of page.Contents ?? []) found.set(Key.slice(prefix.length), Size)
      token = page.NextContinuationToken
    } while (token !== undefined)
    return found
  }
  const read = async (key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: name, Key: key }))
    return (await Body?.transformToByteArray()) ?? new Uint8Array()
  }
  const clear = async (prefix: string) => {
    const Objects = [...(await sizes(prefix)).keys()].map(key => ({ Key: prefix + key }))
    if (Objects.length > 0) await s3.send(new DeleteObjectsCommand({ Bucket: name, Delete: { Objects } }))
  }
  return {
    make: async () => void (await s3.send(new CreateBucketCommand({ Bucket: name }))),
    async remove() {
      await clear('')
      await s3.send(new DeleteBucketCommand({ Bucket: name }))
    },
    put: async (key, bytes) => void (await s3.send(new PutObjectCommand({ Bucket: name, Key: key, Body: bytes }))),
    sizes,
    read,
    hashes: prefix => readHashes({ sizes, read }, prefix),
    async openUploads(prefix) {
      const { Uploads = [] } = await s3.send(new ListMultipartUploadsCommand({ Bucket: name, Prefix: prefix }))
      return Uploads.map(({ Key = '' }) => Key)
    },
    clear,
    close: () => s3.destroy(),
  }
}
