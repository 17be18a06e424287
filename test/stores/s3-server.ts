import { inject } from 'vitest'

export interface S3Server {
  endpoint: string
  bucket: string
  /** For the SDK's chain: endpoint, region, credentials. */
  env: Record<string, string>
}

/** The one place that knows where the tests' S3 server comes from (test/servers/global-setup.ts). */
export function s3Server(): S3Server {
  const env = inject('s3Env')
  return { endpoint: env.AWS_ENDPOINT_URL ?? '', bucket: 'models', env }
}
