import type { PlainVariable } from '../../operator/objects.ts'
import type { StorePlace } from '../request.ts'
import { endpointForPods } from './endpoint.ts'
import { noSecret, type SecretEntry, type StoreAccess } from './store-access.ts'

/** What nimctl's S3 client needs beside what every other one needs. */
export function s3Access(uploaded: StorePlace): StoreAccess {
  const { pathStyle, requestPayer, signRequests = true } = uploaded.storeSettings ?? {}
  const { env, warnings } = s3Environment(uploaded)
  const flags = [
    ...(pathStyle === undefined ? [] : [pathStyle ? '--path-style' : '--no-path-style']),
    ...(requestPayer === undefined ? [] : ['--request-payer', requestPayer]),
    ...(signRequests ? [] : ['--no-sign-request']),
  ]
  return { env, flags, warnings, secret: signRequests ? s3Secret : noSecret }
}

const s3Keys: readonly SecretEntry[] = [
  { key: 'AWS_ACCESS_KEY_ID', required: true },
  { key: 'AWS_SECRET_ACCESS_KEY', required: true },
  { key: 'AWS_SESSION_TOKEN' },
]

export const s3Secret = {
  entries: s3Keys,
  howToMake: '--from-env-file=FILE, where FILE has the lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…',
}

/** The SDKs refuse to work without a region, also where the server has none. */
const regionWithoutMeaning = 'us-east-1'

/** What an S3 client in a pod needs beside its credentials, under the names that every AWS SDK reads. */
export function s3Environment({ region, endpointUrl }: StorePlace): { env: PlainVariable[]; warnings: string[] } {
  const warnings: string[] = []
  if (region === undefined && endpointUrl === undefined)
    warnings.push(`No region was given: AWS_REGION says ${regionWithoutMeaning}. Name the bucket's with --region.`)
  const env = [{ name: 'AWS_REGION', value: region ?? regionWithoutMeaning }]
  if (endpointUrl === undefined) return { env, warnings }
  const endpoint = endpointForPods(endpointUrl)
  return {
    env: [...env, { name: 'AWS_ENDPOINT_URL', value: endpoint.address }],
    warnings: [...warnings, ...endpoint.warnings],
  }
}
