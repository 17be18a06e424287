import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

export interface Keys {
  accessKeyId: string
  secretAccessKey: string
}

/** @param options without credentials, requests go unsigned. */
export async function createBuckets(
  buckets: readonly string[],
  { endpoint, credentials }: { endpoint: string; credentials: Keys | undefined },
): Promise<void> {
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: credentials ?? { accessKeyId: 'anyone', secretAccessKey: 'anything' },
    ...(credentials === undefined ? { signer: { sign: async request => request } } : {}),
  })
  try {
    for (const bucket of buckets) await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } finally {
    client.destroy()
  }
}
