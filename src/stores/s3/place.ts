import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3'

import type { Credentials } from './sign.ts'

/** Where the objects of one bucket are asked for. */
export interface Place {
  secure: boolean
  /** Without brackets, as a connection is made to it. */
  hostname: string
  /** Empty: that of the protocol. */
  port: string
  /** As the header names it. */
  host: string
  /** What comes before a key: `/`, or `/bucket/`. */
  path: string
  scope: { region: string; service: string }
  /** A directory bucket, whose requests are signed with the credentials of a session. */
  express: boolean
}

/**
 * What the SDK's rules make of endpoint, region, path style, dual stack and kind of bucket. They are applied to a
 * command that is stopped before it leaves: then its context has the outcome.
 */
export async function resolvePlace(s3: S3Client, bucket: string): Promise<Place> {
  const command = new HeadObjectCommand({ Bucket: bucket, Key: 'any' })
  let place: Place | undefined
  command.middlewareStack.add(
    (_, context) => async () => {
      if (context.endpointV2 !== undefined) place = await placeOf(s3, context.endpointV2)
      return { response: undefined, output: { $metadata: {} } }
    },
    { step: 'build', priority: 'high', name: 'resolvePlace' },
  )
  await s3.send(command)
  if (place === undefined) throw new TypeError('The SDK resolved no endpoint.')
  return place
}

type Endpoint = ReturnType<S3Client['config']['endpointProvider']>

async function placeOf(s3: S3Client, { url, properties }: Endpoint): Promise<Place> {
  const [scheme] = properties?.authSchemes ?? []
  const region = scheme?.signingRegion ?? (await s3.config.region())
  return {
    secure: url.protocol === 'https:',
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    host: url.host,
    path: url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`,
    scope: { region, service: scheme?.signingName ?? 's3' },
    express: scheme?.name === 'sigv4-s3express',
  }
}

/** The SDK keeps them until shortly before they expire. */
export async function credentialsFor(s3: S3Client, bucket: string, { express }: Place): Promise<Credentials> {
  const credentials = await s3.config.credentials()
  if (!express) return credentials
  return await s3.config.s3ExpressIdentityProvider.getS3ExpressIdentity(credentials, { Bucket: bucket })
}
