import type { EnvVariable } from '../operator/objects.ts'
import { NimctlError } from '../system/errors.ts'
import type { UploadedCache } from './request.ts'

const s3SecretKeys = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const

/** The SDKs refuse to work without a region, also where the server has none. */
const regionWithoutMeaning = 'us-east-1'

/** What an S3 client in a pod needs beside its credentials, under the names that every AWS SDK reads. */
export function s3Environment({ region, endpointUrl }: UploadedCache): {
  env: EnvVariable[]
  secretKeys: readonly string[]
  warnings: string[]
} {
  const warnings: string[] = []
  if (region === undefined && endpointUrl === undefined)
    warnings.push(`No region was given: AWS_REGION says ${regionWithoutMeaning}. Name the bucket's with --region.`)
  const env = [{ name: 'AWS_REGION', value: region ?? regionWithoutMeaning }]
  if (endpointUrl !== undefined) {
    checkUrlHasNoSecret(endpointUrl)
    env.push({ name: 'AWS_ENDPOINT_URL', value: withoutTrailingSlash(endpointUrl.href) })
    if (isThisMachine(endpointUrl))
      warnings.push(
        `${endpointUrl.href} is this machine to a pod: give the address that the cluster reaches with --store-endpoint-url.`,
      )
  }
  return { env, secretKeys: s3SecretKeys, warnings }
}

/**
 * YAML is read by many: nothing secret goes into it.
 *
 * @throws NimctlError `usage` / `SECRET_IN_URL`.
 */
export function checkUrlHasNoSecret(url: URL): void {
  if (url.username === '' && url.password === '' && url.search === '') return
  throw new NimctlError('usage', 'SECRET_IN_URL', {
    what: `The URL for ${url.host || url.protocol} carries a user, a password or a query, which would stand in the YAML.`,
    why: 'Credentials reach the pod from a Secret.',
    next: 'Give the URL without them, and name the Secret with --store-secret',
  })
}

function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '0.0.0.0' || hostname.startsWith('127.')
}

function withoutTrailingSlash(text: string): string {
  return text.replace(/\/$/, '')
}
