import { mkdir } from 'node:fs/promises'

import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { mistakesOf } from './failures.ts'
import { withSmallDisk } from './launchers.ts'
import { nimctl, succeeded } from './nimctl.ts'
import { openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const { reference } = standIns.llm2
const { id } = findProfile(standIns.llm2, 'vllm-fp8-tp1-pp1-34.0')

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace({ keys: ['nvapi-stand-in'], legacyKeys: ['an-old-key'] })
})
afterAll(() => place.close())
afterEach(() => place.ngc.behave())

interface Listed {
  profiles: { id: string; bytes?: number; files: number; selected: boolean }[]
  warnings: string[]
}

const profiles = (...args: string[]) => place.run(['profiles', reference, '--profile', id, ...args])
const chosenOf = (document: unknown) => (document as Listed).profiles.find(({ selected }) => selected)

/** What was asked of NGC since. */
async function requestsOf(work: () => Promise<unknown>) {
  const before = place.ngc.requests().length
  await work()
  return place.ngc.requests().slice(before)
}

describe('profiles --sizes', () => {
  it.each(['nvapi-stand-in', 'an-old-key'])('shows bytes for the key %s, and shows it to NGC alone', async key => {
    const env = { NGC_API_KEY: key }
    let listing: unknown
    const requests = await requestsOf(async () => {
      const outcome = succeeded(await place.run(['profiles', reference, '--profile', id, '--sizes', '--json'], env))
      expect(outcome.stderr).toBe('')
      listing = outcome.json()
    })
    const bytes = chosenOf(listing)?.bytes ?? 0
    expect(bytes).toBeGreaterThan(1_000_000)
    const toStorage = requests.filter(({ path }) => path.startsWith('/xfiles/'))
    expect(toStorage).toHaveLength(chosenOf(listing)?.files ?? 0)
    expect(toStorage.filter(({ authorized, range }) => authorized || range !== 'bytes=0-0')).toEqual([])
    expect((await profiles('--sizes')).stdout).toMatch(/BYTES/)
    expect((await profiles()).stdout).not.toMatch(/BYTES/)
  })

  it('warns of a version that NGC refuses, and leaves its bytes unknown', async () => {
    place.ngc.misbehave({ path: '/files$', fault: { type: 'not-a-member' } })
    const listing = succeeded(await profiles('--sizes', '--json')).json()
    expect(chosenOf(listing)).not.toHaveProperty('bytes')
    expect(listing.warnings).toContainEqual(expect.stringMatching(/bytes of nim\/.* not a member of the organization/))
    expect((await profiles('--sizes')).stderr).toMatch(/^Warning: The bytes of nim\//m)
  })

  it('asks for a key', async () => {
    const failure = { category: 'auth', code: 'NGC_KEY_MISSING', says: ['export NGC_API_KEY'] } as const
    const args = ['profiles', reference, '--profile', id, '--sizes']
    expect(await mistakesOf(each => place.run(each, { NGC_API_KEY: '' }), args, failure)).toEqual([])
  })

  it('says that NGC fails', async () => {
    place.ngc.misbehave({ path: '/files$', fault: { type: 'status', status: 500 } })
    const failure = { category: 'unavailable', code: 'NGC_UNREACHABLE' } as const
    const args = ['profiles', reference, '--profile', id, '--sizes']
    expect(await mistakesOf(each => place.run(each), args, failure)).toEqual([])
  })
})

describe('cache', () => {
  const plan = (...args: string[]) =>
    place.run(['cache', reference, './filled', '--profile', id, '--dry-run', ...args, '--json'])

  it('plans the bytes that would come, and counts nothing that lies there', async () => {
    const listing = succeeded(await profiles('--sizes', '--json')).json()
    expect(succeeded(await plan()).json().bytes).toBe(chosenOf(listing)?.bytes)
    succeeded(await place.run(['cache', reference, './filled', '--profile', id, ...toStandInNgc]))
    const requests = await requestsOf(async () => expect(succeeded(await plan()).json().bytes).toBe(0))
    expect(requests).toEqual([])
  })

  it('plans without NGC too, and says why it knows no bytes', async () => {
    place.ngc.misbehave({ path: '/files$', fault: { type: 'status', status: 500 } })
    const outcome = succeeded(await place.run(['cache', reference, './new', '--profile', id, '--dry-run']))
    expect(outcome.stdout).toMatch(/Nothing says how many bytes/)
    expect(outcome.stderr).toMatch(/ngc\| .*not known: NGC does not answer for nim\//)
    place.ngc.behave()
    place.ngc.misbehave({ path: '/files$', fault: { type: 'not-a-member' } })
    const refused = succeeded(await place.run(['cache', reference, './new', '--profile', id, '--dry-run']))
    expect(refused.stderr).toMatch(/ngc\| .*not a member of the organization/)
  })

  it('asks nobody without a key, and where the container loads from a mirror', async () => {
    const args = ['cache', reference, './new', '--profile', id, '--dry-run']
    const requests = await requestsOf(async () => {
      succeeded(await place.run(args, { NGC_API_KEY: '' }))
      succeeded(await place.run([...args, '--env', 'NIM_REPOSITORY_OVERRIDE=s3://mirror/']))
    })
    expect(requests).toEqual([])
  })

  it('asks where the container will be led', async () => {
    const env = { NGC_API_ENDPOINT: '', NGC_AUTH_ENDPOINT: '', NGC_API_SCHEME: '' }
    const flags = ['--env', `NGC_API_ENDPOINT=${place.ngc.endpoint}`, '--env', 'NGC_API_SCHEME=http']
    const args = ['cache', reference, './new', '--profile', id, '--dry-run', ...flags, '--json']
    expect(succeeded(await place.run(args, env)).json().bytes).toBeGreaterThan(1_000_000)
  })
})

it('8: a download that does not fit is refused before a byte of it comes', async () => {
  const large = await openWorkplace({ sizeFactor: 100 })
  try {
    const disk = large.path('disk')
    await mkdir(disk)
    const args = ['cache', reference, `${disk}/cache`, '--profile', id, ...toStandInNgc]
    const onSmallDisk = (each: readonly string[]) =>
      nimctl(each, { env: large.env, cwd: large.path('.'), program: withSmallDisk(disk, 2 ** 20) })
    const failure = {
      category: 'local',
      code: 'DISK_FULL',
      says: ['They need 0.1 GiB more; 0.0 GiB are free'],
    } as const
    expect(await mistakesOf(onSmallDisk, args, failure)).toEqual([])
    const asked = large.ngc.requests().filter(({ path }) => !path.endsWith('/files'))
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter(({ range }) => range !== 'bytes=0-0')).toEqual([])
  } finally {
    await large.close()
  }
})
