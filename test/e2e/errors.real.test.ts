import { writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import type { Fault } from '../../fixtures/stand-in/faults.ts'
import { runContainer } from '../fixtures/containers.ts'
import { freePort } from '../servers/free-port.ts'
import { startRegistry, type Registry } from '../servers/registry.ts'
import { buildBusyboxImage } from '../system/busybox-image.ts'
import { problemsOf } from './documents.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { choices, openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const registry = inject('registryHost')
const docker = connectEngine(inject('dockerHost'))
const [llm1, llm2, nimlib] = choices.map(({ image }) => image.reference) as [string, string, string]
const profile = choices[0]?.profiles[1]?.id ?? ''
const plain = 'nimctl-test/not-a-nim:1'

let place: Workplace
let guarded: Registry
beforeAll(async () => {
  place = await openWorkplace({ keys: ['nvapi-good'] })
  place.env.NGC_API_KEY = 'nvapi-good'
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
const unavailable = { category: 'unavailable' } as const
const fill = (image: string, ...flags: string[]) => ['cache', image, 'filled', ...toStandInNgc, ...flags]
const mirror = (image: string, to: string) => ['mirror', image, '--to', to, '--no-dest-tls-verify']
const mistakesIn = async ({ args, env, ...failure }: Case) =>
  mistakesOf(each => place.run(each, env), await args(), failure)

describe('images and registries', () => {
  it.each<Case>([
    {
      name: 'the registry is down',
      args: async () => mirror(`docker-daemon:${llm1}`, `127.0.0.1:${await freePort()}`),
      ...unavailable,
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
      args: () => ['profiles', 'nvcr.stand-in.test/nim/absent:1'],
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

describe('filling a cache', () => {
  it.each<Case>([
    {
      name: 'no key',
      args: () => fill(llm1, '--profile', profile),
      env: { NGC_API_KEY: '' },
      ...auth,
      code: 'NGC_KEY_MISSING',
      says: ['export NGC_API_KEY'],
    },
    {
      name: 'a key that is refused',
      args: () => fill(llm1, '--profile', profile),
      env: { NGC_API_KEY: 'nvapi-expired' },
      ...auth,
      code: 'NGC_KEY_REFUSED',
    },
    {
      name: 'a key as a flag',
      args: () => fill(llm1, '--profile', profile, '--env', 'NGC_API_KEY=nvapi-good'),
      category: 'usage',
      code: 'SECRET_IN_ARGUMENT',
      says: ['--env NGC_API_KEY'],
    },
    {
      name: 'a profile that the image does not offer',
      args: () => fill(llm2, '--profile', profile),
      ...notFound,
      code: 'PROFILE_UNKNOWN',
      says: [`"${profile}"`, 'The nearest of 7: '],
    },
    {
      name: 'a description, which the manifest does not have',
      args: () => fill(llm2, '--profile', 'vllm-fp8-tp1-pp1-34.0'),
      ...notFound,
      code: 'PROFILE_UNKNOWN',
      says: ['by their ids alone', '--on docker'],
    },
    {
      name: 'no GPU runtime',
      args: () => fill(llm1, '--profile', profile, '--gpus', 'all'),
      category: 'missing-tool',
      code: 'GPU_RUNTIME_MISSING',
      says: ['NVIDIA Container Toolkit'],
    },
    {
      name: 'a cache that the container may not write',
      args: () => fill(nimlib, '--all', '--user', '1000:0'),
      category: 'local',
      code: 'CACHE_NOT_WRITABLE',
      says: ['os error 13', 'chmod -R a+rwX'],
    },
  ])('$name', async each => expect(await mistakesIn(each)).toEqual([]))

  it.each<[string, Fault, Failure]>([
    ['a key without the entitlement', { type: 'not-a-member' }, { ...auth, code: 'NGC_NOT_ENTITLED' }],
    ['a model that is gone', { type: 'status', status: 404 }, { ...notFound, code: 'MODEL_NOT_FOUND' }],
    ['too many requests', { type: 'status', status: 429 }, { ...unavailable, code: 'NGC_THROTTLED' }],
    ['an NGC in trouble', { type: 'status', status: 500 }, { ...unavailable, code: 'NGC_UNREACHABLE' }],
    ['a connection that breaks', { type: 'cut', afterBytes: 300_000 }, { ...unavailable, code: 'NGC_UNREACHABLE' }],
  ])('%s', async (_, fault, failure) => {
    place.ngc.misbehave({ path: fault.type === 'cut' ? 'model-00001' : '/files$', fault })
    try {
      await expectFailure(args => place.run(args), fill(llm1, '--profile', profile), failure)
    } finally {
      place.ngc.behave()
    }
  })

  it('a disk that is full, where the container writes', async () => {
    const directory = place.path('filled')
    await inEngine('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory)
    try {
      const failure = { category: 'local', code: 'DISK_FULL', says: ['No space left', 'df -h'] }
      await expectFailure(args => place.run(args), fill(llm1, '--profile', profile), failure)
    } finally {
      await inEngine('umount', directory)
    }
  })

  it('3: a profile that the container passes over, though it exits with 0', async () => {
    const listing = (await place.run(['profiles', llm1, '--profile', profile, '--json'])).json()
    const [first] = listing.profiles as object[]
    const unknown = 'f'.repeat(64)
    const profiles = [...(listing.profiles as object[]), { ...first, id: unknown, selected: true }]
    await writeFile(place.path('edited.json'), JSON.stringify({ ...listing, profiles }))
    const outcome = await place.run([...fill(llm1, '--profiles-from', 'edited.json'), '--json'])
    expect(outcome.exitCode).toBe(3)
    expect(problemsOf(outcome.json(), 'CacheResult')).toEqual([])
    expect(outcome.json()).toMatchObject({
      ok: false,
      profiles: [
        { id: profile, present: true },
        { id: unknown, present: false },
      ],
    })
    expect(outcome.json().warnings).toContainEqual(expect.stringContaining(unknown))

    await expectCase({
      name: 'the list of another image',
      args: () => fill(llm2, '--profiles-from', 'edited.json'),
      category: 'usage',
      code: 'PROFILES_OF_ANOTHER_IMAGE',
    })
  })
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

/** Runs busybox in the engine's own mount namespace: what it mounts there, containers see, and nobody else. */
async function inEngine(...command: string[]): Promise<void> {
  const { exitCode, stderr } = await runContainer(docker, {
    image: llm1,
    entrypoint: '/bin/busybox',
    command: ['nsenter', '-t', '1', '-m', ...command],
    user: '0:0',
    hostConfig: { PidMode: 'host', CapAdd: ['SYS_ADMIN', 'SYS_PTRACE'], SecurityOpt: ['seccomp=unconfined'] },
  })
  if (exitCode !== 0) throw new Error(`${command.join(' ')} failed in the engine: ${stderr}`)
}
