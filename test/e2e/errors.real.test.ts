import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { startRegistry, type Registry } from '../servers/registry.ts'
import { buildBusyboxImage } from '../system/busybox-image.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { choices, openWorkplace, type Workplace } from './workplace.ts'

const registry = inject('registryHost')
const llm1 = choices[0]?.image.reference ?? ''
const plain = 'nimctl-test/not-a-nim:1'

let place: Workplace
let guarded: Registry
beforeAll(async () => {
  place = await openWorkplace()
  guarded = await startRegistry({ htpasswd: { user: 'me', password: 'a-good-password' } })
  await buildBusyboxImage(plain)
})
afterAll(async () => {
  await guarded.stop()
  await place.close()
})

interface Case extends Failure {
  name: string
  args: () => string[] | Promise<string[]>
  env?: Record<string, string>
}

const auth = { category: 'auth' } as const
const notFound = { category: 'not-found' } as const
const mirror = (image: string, to: string) => ['mirror', image, '--to', to, '--no-dest-tls-verify']
const mistakesIn = async ({ args, env, ...failure }: Case) =>
  mistakesOf(each => place.run(each, env), await args(), failure)

describe('images and registries', () => {
  it.each<Case>([
    {
      name: 'the registry is down',
      args: () => mirror(`docker-daemon:${llm1}`, '127.0.0.1:1'),
      category: 'unavailable',
      code: 'REGISTRY_UNREACHABLE',
      says: ['connection refused'],
    },
    {
      name: 'the image is not in the registry',
      args: () => [...mirror(`${registry}/absent:1`, registry), '--no-src-tls-verify'],
      ...notFound,
      code: 'IMAGE_NOT_FOUND',
      says: [`${registry}/absent:1`],
    },
    {
      name: 'the image is not in the engine',
      args: () => ['profiles', 'docker-daemon:nvcr.stand-in.test/nim/absent:1'],
      ...notFound,
      code: 'IMAGE_NOT_FOUND',
      says: ['docker pull nvcr.stand-in.test/nim/absent:1'],
    },
    {
      name: 'the registry wants a password',
      args: () => mirror(`docker-daemon:${llm1}`, guarded.host),
      ...auth,
      code: 'REGISTRY_AUTH',
      says: ['skopeo login'],
    },
    {
      name: 'the registry refuses the password',
      args: () => mirror(`docker-daemon:${llm1}`, guarded.host),
      env: { NIMCTL_REGISTRY_USERNAME: 'me', NIMCTL_REGISTRY_PASSWORD: 'a-wrong-password' },
      ...auth,
      code: 'REGISTRY_AUTH',
    },
    {
      name: 'it is no NIM image',
      args: () => ['profiles', plain],
      category: 'usage',
      code: 'NOT_A_NIM_IMAGE',
      says: ['Looked for', 'model_manifest.yaml'],
    },
  ])('$name', async each => expect(await mistakesIn(each)).toEqual([]))
})

describe('an S3 store', () => {
  it.each<Case>([
    {
      name: 'no such bucket',
      args: () => ['list', 's3://no-such-bucket/'],
      ...notFound,
      code: 'BUCKET_NOT_FOUND',
      says: ['"no-such-bucket"'],
    },
    {
      name: 'an unknown key',
      args: () => ['list', 's3://models/'],
      env: { AWS_ACCESS_KEY_ID: 'unknown' },
      ...auth,
      code: 'CREDENTIALS_REFUSED',
    },
    {
      name: 'a wrong secret',
      args: () => ['list', 's3://models/'],
      env: { AWS_SECRET_ACCESS_KEY: 'wrong' },
      ...auth,
      code: 'CREDENTIALS_REFUSED',
    },
    {
      name: 'access denied',
      args: () => ['list', 's3://models/', '--no-sign-request'],
      ...auth,
      code: 'ACCESS_DENIED',
      says: ['s3:ListBucket'],
    },
    {
      name: 'what is no S3 service',
      args: () => ['list', 's3://models/', '--endpoint-url', `http://${registry}`],
      ...notFound,
      code: 'BUCKET_NOT_FOUND',
    },
  ])('$name', async each => expect(await mistakesIn(each)).toEqual([]))
})
