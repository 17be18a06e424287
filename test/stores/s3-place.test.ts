import { expect, it } from 'vitest'

import type { StoreOptions } from '../../src/stores/open.ts'
import { openClient } from '../../src/stores/s3/client.ts'
import { resolvePlace } from '../../src/stores/s3/place.ts'
import { useEnvironment } from './environment.ts'

useEnvironment({ AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'eu-west-1' })

const scope = { region: 'eu-west-1', service: 's3' }

it.each<[string, StoreOptions, object]>([
  ['bucket', {}, { secure: true, host: 'bucket.s3.eu-west-1.amazonaws.com', path: '/', port: '', scope }],
  ['bucket', { pathStyle: true }, { host: 's3.eu-west-1.amazonaws.com', path: '/bucket/' }],
  ['buck.et', {}, { host: 's3.eu-west-1.amazonaws.com', path: '/buck.et/' }],
  [
    'bucket',
    { region: 'cn-north-1' },
    { host: 'bucket.s3.cn-north-1.amazonaws.com.cn', scope: { ...scope, region: 'cn-north-1' } },
  ],
  [
    'bucket',
    { endpointUrl: 'http://s3.internal:9000' },
    { secure: false, host: 's3.internal:9000', port: '9000', path: '/bucket/' },
  ],
  ['bucket', { endpointUrl: 'https://s3.internal:443/up/' }, { host: 's3.internal', port: '', path: '/up/bucket/' }],
  [
    'bucket',
    { endpointUrl: 'http://s3.internal:9000', pathStyle: false },
    { host: 'bucket.s3.internal:9000', path: '/' },
  ],
  ['bucket', { endpointUrl: 'http://[::1]:9000' }, { hostname: '::1', host: '[::1]:9000', path: '/bucket/' }],
  ['models--euw1-az1--x-s3', {}, { express: true, scope: { ...scope, service: 's3express' } }],
])('finds %s, given %j', async (bucket, options, expected) => {
  const { s3 } = await openClient(options)
  expect(await resolvePlace(s3, bucket)).toMatchObject({ express: false, ...expected })
})
