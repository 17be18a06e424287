import { mkdir } from 'node:fs/promises'

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { profileFiles } from '../../fixtures/stand-in/stand-in-image.ts'
import { runContainer } from '../fixtures/containers.ts'
import { aws } from '../servers/aws-cli.ts'
import { kserveDownload } from '../servers/kserve.ts'
import { succeeded } from './nimctl.ts'
import { answersReady } from './stand-in-server.ts'
import { emptyHash, readContents } from './trees.ts'
import { choices, fillCache, openWorkplace, type Workplace } from './workplace.ts'

const docker = connectEngine(inject('dockerHost'))
const s3 = inject('s3Env')
/** NIM_REPOSITORY_OVERRIDE knows no prefix, so these tests need a bucket of their own; the images share it. */
const overrideBucket = `e2e-override-${process.pid}`
/** No key and no NGC: what is not in the cache can't come from anywhere. */
const offline = { NIM_DISABLE_MODEL_DOWNLOAD: '1' }

beforeAll(async () => {
  const client = new S3Client({
    endpoint: s3.AWS_ENDPOINT_URL ?? '',
    region: s3.AWS_REGION ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId: s3.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: s3.AWS_SECRET_ACCESS_KEY ?? '' },
  })
  await client.send(new CreateBucketCommand({ Bucket: overrideBucket }))
  client.destroy()
})

describe.each(choices)('$family', choice => {
  const { image, profiles } = choice
  const prefix = `readers-${process.pid}/${image.version}`
  let place: Workplace
  let cache: Record<string, string>
  beforeAll(async () => {
    place = await openWorkplace()
    cache = await readContents(await fillCache(place, 'cache', choice))
    succeeded(await place.run(['upload', 'cache', `s3://models/${prefix}`, '--links', 'copy']))
  })
  afterAll(() => place.close())

  it('is read back complete by aws s3 cp, and served from there', async () => {
    const out = place.path('by-aws')
    const args = ['s3', 'cp', '--recursive', '--no-progress', `s3://models/${prefix}/`, out]
    expect(await aws(args, s3)).toMatchObject({ exitCode: 0 })
    // readContents leaves out `.nimctl/`: the inventory comes along, the cache's own notes were never sent.
    expect(await readContents(out)).toEqual(cache)
    for (const { id } of profiles) {
      const environment = { ...offline, NIM_MODEL_PROFILE: id }
      expect(await answersReady(docker, { image: image.reference, environment, cache: out })).toBe(200)
    }
  })

  it("is read back by KServe's storage initializer, but for the empty files that it drops", async () => {
    const out = place.path('by-kserve')
    // Without the slash it would take sibling prefixes too, and it passes over objects of no bytes: nim.md 6.4.
    const read = await kserveDownload({ url: `s3://models/${prefix}/`, out, env: s3 })
    expect(read).toMatchObject({ exitCode: 0 })
    const full = Object.entries(cache).filter(([, hash]) => hash !== emptyHash)
    expect(await readContents(out)).toEqual(Object.fromEntries(full))
    const empty = Object.keys(cache).length - full.length
    expect(empty).toBe(image.family === 'llm-2' ? 2 : 0)
  })

  it('is read by the stand-in NIM through NIM_REPOSITORY_OVERRIDE, without NGC', async () => {
    const url = `s3://${overrideBucket}/`
    expect(await place.run(['upload', 'cache', url, '--layout', 'ngc'])).toMatchObject({ exitCode: 0 })
    const own = ['--image', await imageDigest(place, url, image.reference)]
    expect(await place.run(['validate', 'store', url, ...own, '--reader', 'nim'])).toMatchObject({ exitCode: 0 })

    for (const { id } of profiles) {
      const environment = { ...s3, NIM_REPOSITORY_OVERRIDE: url, NIM_MODEL_PROFILE: id }
      const [filled, served] = [place.path(`filled-${id}`), place.path(`served-${id}`)]
      await Promise.all([filled, served].map(path => mkdir(path)))
      const command = ['download-to-cache', '-p', id]
      const user = '0:0'
      const ran = await runContainer(docker, { image: image.reference, command, environment, cache: filled, user })
      expect(ran).toMatchObject({ exitCode: 0 })
      expect(await answersReady(docker, { image: image.reference, environment, cache: served, user })).toBe(200)
      expect(await readContents(served)).toEqual(await readContents(filled))
    }
    for (const profile of profiles) {
      const got = Object.entries(await readContents(place.path(`filled-${profile.id}`)))
      for (const { version, path } of profileFiles(profile)) {
        const found = got.find(([each]) => each.endsWith(`/snapshots/${version}/${path}`))
        expect(cache).toMatchObject(Object.fromEntries(found === undefined ? [[path, 'was not brought']] : [found]))
      }
    }
  })
})

async function imageDigest(place: Workplace, url: string, image: string): Promise<string> {
  const { caches } = (await place.run(['list', url, '--json'])).json() as {
    caches: { image: string; imageDigest: string }[]
  }
  return `${image}@${caches.find(cache => cache.image === image)?.imageDigest}`
}
