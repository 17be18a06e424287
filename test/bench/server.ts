import type { Peer } from './peers.ts'

/** What came since it was last asked. */
export interface Stats {
  /** Heads and bodies, before encryption. */
  bytes: number
  /** Of the server, since it started. */
  cpuSeconds: number
  requests: Record<'put' | 'part' | 'copy' | 'get' | 'head' | 'post' | 'delete', number>
}

export interface Server {
  name: string
  /** Of a server over HTTP. */
  endpoint: string
  /** What nimctl is told; without it, S3's. */
  nimctl?: { url: (bucket: string, prefix: string) => string; flags: readonly string[] }
  /** What azcopy is let in with; without it, anything will do. */
  sas?: (bucket: string) => string
  /** Who else speaks to it; without it, all who speak S3. */
  peers?: readonly Peer[]
  /** What clients need: endpoint, region, keys and whom to trust, by the names that each of them knows. */
  env: Record<string, string>
  newBucket(name: string): Promise<string>
  take?(): Promise<Stats>
  stop(): Promise<void>
}

export function clientEnvironment(
  endpoint: string,
  { accessKeyId, secretAccessKey }: { accessKeyId: string; secretAccessKey: string },
  caFile?: string,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    S3_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    RCLONE_CONFIG: '/dev/null',
    RCLONE_CONFIG_BENCH_TYPE: 's3',
    RCLONE_CONFIG_BENCH_PROVIDER: 'Other',
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: secretAccessKey,
    RCLONE_CONFIG_BENCH_REGION: 'us-east-1',
    ...(caFile !== undefined && {
      NIMCTL_CA_FILE: caFile,
      AWS_CA_BUNDLE: caFile,
      CURL_CA_BUNDLE: caFile,
      RCLONE_CA_CERT: caFile,
      SSL_CERT_FILE: caFile,
    }),
  }
}
