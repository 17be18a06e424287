import { readFile, writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { ngcEnvironment, runContainer } from '../fixtures/containers.ts'
import { documents, problemsOf } from './documents.ts'
import { readTree } from './trees.ts'
import { choices, openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

const registry = inject('registryHost')
const run = `flow-${process.pid}`

describe.each(choices)('$family', ({ family, image, profiles }) => {
  const { reference } = image
  const ids = profiles.map(({ id }) => id)
  const chosen = ids.flatMap(id => ['--profile', id])
  let place: Workplace
  let cache: string
  beforeAll(async () => {
    place = await openWorkplace()
    cache = place.path('cache')
  })
  afterAll(() => place.close())

  /** One document on stdout, of exactly the fields that cli.md promises. */
  async function json(kind: keyof typeof documents, ...args: string[]) {
    const outcome = await place.run([...args, '--json'])
    expect(outcome).toMatchObject({ exitCode: 0 })
    expect(problemsOf(outcome.json(), kind)).toEqual([])
    return outcome.json()
  }

  it('is mirrored once', async () => {
    const mirror = ['mirror', `docker-daemon:${reference}`, '--to', `${registry}/${run}`, '--no-dest-tls-verify']
    const name = reference.slice(reference.indexOf('/'))
    const destination = `${registry}/${run}${name}`
    const planned = (await place.run([...mirror, '--dry-run', '--json'])).json()
    const copy = { source: `docker-daemon:${reference}`, destination, action: 'copy' }
    expect(planned).toMatchObject({ kind: 'MirrorPlan', images: [copy] })
    const first = await json('MirrorResult', ...mirror)
    expect(first).toMatchObject({ ok: true, images: [{ status: 'copied', destination }] })
    const [copied] = first.images as { digest: string }[]
    const again = await json('MirrorResult', ...mirror)
    expect(again).toMatchObject({ ok: true, images: [{ status: 'present', digest: copied?.digest }] })
  })

  it('says what it offers: by its manifest, by its container, by what was saved', async () => {
    const all = image.profiles.map(({ id }) => id).toSorted()
    const idsIn = (listing: Record<string, unknown>) =>
      (listing.profiles as { id: string }[]).map(({ id }) => id).toSorted()
    const byManifest = await json('ProfileListing', 'profiles', reference)
    expect(byManifest).toMatchObject({ source: 'manifest', image: reference })
    expect(idsIn(byManifest)).toEqual(all)

    const byContainer = await json('ProfileListing', 'profiles', reference, '--on', 'docker', ...toStandInNgc)
    expect(byContainer).toMatchObject({ source: 'docker', image: reference })
    expect(idsIn(byContainer)).toEqual(all)
    await writeFile(place.path('listing.json'), JSON.stringify(byContainer))
    // A description where the family has them, else the beginning of an id.
    const name = family === 'nimlib' ? ids[0]?.slice(0, 8) : profiles[0]?.description
    const byName = await place.run(['profiles', '--file', 'listing.json', '--profile', name ?? '', '--ids'])
    expect(byName).toMatchObject({ exitCode: 0, stdout: `${ids[0]}\n` })

    const docker = connectEngine(inject('dockerHost'))
    const environment = ngcEnvironment(place.ngc)
    const said = await runContainer(docker, { image: reference, command: ['list-model-profiles'], environment })
    await writeFile(place.path('said.txt'), said.stdout)
    const bySaved = await json('ProfileListing', 'profiles', '--file', 'said.txt')
    expect(bySaved).toMatchObject({ source: 'file' })
    expect(idsIn(bySaved)).toEqual(all)
  })

  it('fills a cache that is complete to the last byte', async () => {
    const result = await json('CacheResult', 'cache', reference, cache, ...chosen, ...toStandInNgc)
    expect(result).toMatchObject({ ok: true, dir: cache, profiles: ids.map(id => ({ id, present: true })) })
    expect(result.family).toBe(family === 'nimlib' ? 'nimlib' : 'llm')
    expect(await json('CheckReport', 'validate', 'cache', cache)).toMatchObject({ ok: true })
    const deep = await json('CheckReport', 'validate', 'cache', cache, '--deep', '--against', reference)
    expect(deep).toMatchObject({ ok: true, summary: { profiles: ids } })
    const read = (deep.checks as { method: string }[]).filter(({ method }) => method === 'content')
    expect(read.length).toBeGreaterThan(0)
  })

  describe.each(['file', 's3'])('in a store of %s://', scheme => {
    const bucketUrl = () => (scheme === 's3' ? `s3://models/${run}/` : `${pathToFileURL(place.path('store')).href}/`)
    const url = () => `${bucketUrl()}${image.version}/`
    let inventoryDigest: unknown

    it('is planned, sent once, and found complete', async () => {
      const plan = await json('TransferPlan', 'upload', cache, url(), '--dry-run')
      const list = ['list', bucketUrl(), '--json']
      expect((await place.run(list)).json().caches).toEqual(expect.not.arrayContaining([{ prefix: url() }]))

      const first = await json('UploadResult', 'upload', cache, url())
      const [planned] = plan.destinations as { totals: { uploadBytes: number } }[]
      expect(first).toMatchObject({
        ok: true,
        destinations: [{ url: url(), uploadedBytes: planned?.totals.uploadBytes, skippedFiles: 0, verified: true }],
      })
      const again = await json('UploadResult', 'upload', cache, url())
      expect(again).toMatchObject({
        destinations: [{ uploadedFiles: 0, uploadedBytes: 0, copiedFiles: 0, copiedBytes: 0 }],
      })
      const [sent] = again.destinations as { inventoryDigest: string }[]
      expect(first).toMatchObject({ destinations: [{ inventoryDigest: sent?.inventoryDigest }] })
      inventoryDigest = sent?.inventoryDigest

      const listed = await json('StoreListing', 'list', bucketUrl())
      const own = expect.objectContaining({ prefix: url(), image: reference, profiles: ids, complete: true })
      expect(listed.caches).toContainEqual(own)
      const digest = ['--inventory-digest', String(inventoryDigest)]
      const report = await json('CheckReport', 'validate', 'store', url(), ...digest, '--profile', ids[0] ?? '')
      expect(report).toMatchObject({ ok: true, summary: { profiles: ids } })
      expect(await json('CheckReport', 'validate', 'store', url(), '--deep')).toMatchObject({ ok: true })
      const { ok, checks } = await json('DoctorReport', 'doctor', url(), '--write', '--cache', cache)
      expect(ok).toBe(true)
      const steps = ['write', 'list', 'read', 'throughput', 'delete'].map(step => ({ name: `${url()}: ${step}` }))
      expect(checks).toEqual(
        expect.arrayContaining(steps.map(step => expect.objectContaining({ ...step, status: 'ok' }))),
      )
      const nothingLeft = ['--only', 'store.inventory', '--only', 'store.extra', '--fail-on', 'warning']
      expect(await json('CheckReport', 'validate', 'store', url(), ...nothingLeft)).toMatchObject({ ok: true })
    })

    it('comes back as it was, links and modes included', async () => {
      const back = place.path(`back-${scheme}`)
      const result = await json('DownloadResult', 'download', url(), back)
      expect(result).toMatchObject({ ok: true, dir: back, skippedFiles: 0 })
      expect(await readTree(back)).toEqual(await readTree(cache))
      const again = await json('DownloadResult', 'download', url(), back)
      expect(again).toMatchObject({ files: 0, bytes: 0, skippedFiles: result.files })
      const report = await json('CheckReport', 'validate', 'cache', back, '--deep', '--against', reference)
      expect(report).toMatchObject({ ok: true, summary: { profiles: ids } })
    })

    it('is what the emitted objects point at', async () => {
      const flags = ['--cache', url(), '--loader-image', 'registry.internal:5000/tools/nimctl:0.1.0']
      const kinds = {
        stack: ['ConfigMap', 'NIMCache', 'NIMService'],
        nimcache: ['ConfigMap', 'NIMCache'],
        nimservice: ['NIMService'],
      }
      for (const [kind, expected] of Object.entries(kinds)) {
        const { objects } = await json('EmitResult', 'emit', kind, 'model', ...flags, '--profile', ids[0] ?? '')
        expect((objects as { kind: string }[]).map(object => object.kind)).toEqual(expected)
      }
      const file = place.path('stack.yaml')
      const written = await place.run(['emit', 'stack', 'model', ...flags, '--profile', ids[0] ?? '', '--write', file])
      expect(written).toMatchObject({ exitCode: 0 })
      const text = await readFile(file, 'utf8')
      expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([])
      expect(text).toContain(url().replace(/\/$/, ''))
      expect(text).toContain(inventoryDigest)
    })
  })
})
