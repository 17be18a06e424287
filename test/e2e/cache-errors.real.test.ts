import { writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import type { Fault } from '../../fixtures/stand-in/faults.ts'
import { runContainer } from '../fixtures/containers.ts'
import { problemsOf } from './documents.ts'
import { mistakesOf, type Failure } from './failures.ts'
import { choices, openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const docker = connectEngine(inject('dockerHost'))
const [llm1, llm2, nimlib] = choices.map(({ image }) => image.reference) as [string, string, string]
const profile = choices[0]?.profiles[1]?.id ?? ''

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace({ keys: ['nvapi-good'] })
  place.env.NGC_API_KEY = 'nvapi-good'
})
afterAll(() => place.close())

interface Case extends Failure {
  name: string
  args: () => string[]
  env?: Record<string, string>
}

const auth = { category: 'auth' } as const
const notFound = { category: 'not-found' } as const
const unavailable = { category: 'unavailable' } as const
const fill = (image: string, ...flags: string[]) => ['cache', image, 'filled', ...toStandInNgc, ...flags]
const mistakesIn = ({ args, env, ...failure }: Case) => mistakesOf(each => place.run(each, env), args(), failure)

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
      expect(await mistakesOf(args => place.run(args), fill(llm1, '--profile', profile), failure)).toEqual([])
    } finally {
      place.ngc.behave()
    }
  })

  it('a disk that is full, where the container writes', async () => {
    const directory = place.path('filled')
    await inEngine('mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory)
    try {
      const failure = { category: 'local', code: 'DISK_FULL', says: ['No space left', 'df -h'] } as const
      expect(await mistakesOf(args => place.run(args), fill(llm1, '--profile', profile), failure)).toEqual([])
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

    const another = { category: 'usage', code: 'PROFILES_OF_ANOTHER_IMAGE' } as const
    const args = fill(llm2, '--profiles-from', 'edited.json')
    expect(await mistakesOf(each => place.run(each), args, another)).toEqual([])
  })
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
