import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { openStore, type StoreOptions } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { crc32c } from '../../src/system/hash.ts'
import { silent } from '../../src/system/progress.ts'
import { secret } from '../../src/system/secret.ts'
import { listObjects } from '../../src/transfer/listing.ts'
import { knownChecks } from '../../src/validate/catalogue.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'
import { azuriteAccount, startAzurite } from '../servers/azurite.ts'
import { startFakeGcs } from '../servers/gcs.ts'
import { startHdfs } from '../servers/hdfs.ts'
import { uploadDirectory } from '../transfer/upload-directory.ts'
import { listFaults, models, type Patient } from './store-faults.ts'
import { reportStore } from './store-report.ts'

const { signal } = new AbortController()

interface Place {
  url: string
  options: StoreOptions
  stop?: () => Promise<void>
}

const places: Record<string, () => Promise<Place>> = {
  file: async () => ({ url: pathToFileURL(await temporaryDirectory()).href, options: {} }),
  s3: async () => {
    Object.assign(process.env, inject('s3Env'))
    return { url: 's3://models', options: {} }
  },
  gs: async () => {
    const { endpoint, stop } = await startFakeGcs({ buckets: ['models'] })
    return { url: 'gs://models', options: { gs: { emulatorHost: endpoint } }, stop }
  },
  azure: async () => {
    const { endpoint, stop } = await startAzurite({ containers: ['models'] })
    const azure = { account: azuriteAccount.name, key: secret(azuriteAccount.key) }
    return { url: 'az://models', options: { endpointUrl: endpoint, azure }, stop }
  },
  webhdfs: async () => {
    const hdfs = await startHdfs()
    const options = { hdfs: { user: hdfs.superuser, blockSize: 2 ** 20 } }
    return { url: `webhdfs://${hdfs.httpAddress}`, options, stop: () => hdfs.stop() }
  },
}

let cache: string
beforeAll(async () => {
  cache = join(await temporaryDirectory(), 'cache')
  await makeHubCache(cache, { models })
})

const faults = listFaults()
const usual = { profiles: [], deep: false, concurrency: 16, signal, report: silent }

describe.each(Object.keys(places))('%s', kind => {
  let place: Place
  let patient: Patient
  beforeAll(async () => {
    place = await (places[kind] as () => Promise<Place>)()
    const store = await openStore(new URL(`${place.url}/faults-${randomUUID()}/`), place.options)
    await uploadDirectory(cache, store, await temporaryDirectory(), { layout: 'cache', record: smallRecord })
    patient = await openPatient(store)
  })
  afterAll(async () => {
    patient.store.close()
    await place.stop?.()
  })

  it.each([false, true])('finds nothing in what is whole (deep: %s)', async deep => {
    const { ok, checks, summary } = await reportStore({ ...usual, store: patient.store, deep })
    expect(checks.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(ok).toBe(true)
    const contents = [...patient.objects].filter(([key]) => !key.startsWith('.nimctl/'))
    const bytes = contents.reduce((sum, [, content]) => sum + content.length, 0)
    const all = { files: contents.length, bytes }
    expect(summary.read).toEqual(deep || kind === 'file' ? all : undefined)
  })

  it.each(faults.filter(({ notIn = [] }) => !notIn.includes(kind)))('$name', async fault => {
    const { hurt, request = {}, againstCache, finds } = fault
    const store = (await hurt(patient)) ?? patient.store
    try {
      const against = { type: 'directory', directory: cache, stateDirectory: await temporaryDirectory() } as const
      const asked = { ...usual, store, ...request, ...(againstCache && { against }) }
      const { checks, ok } = await reportStore(asked)
      const found = checks.filter(({ status }) => status !== 'ok')
      expect(found.map(({ name, path }) => [name, path].filter(Boolean).join(' ')).toSorted()).toEqual(
        [...finds].toSorted(),
      )
      expect(found.every(({ next = '' }) => next !== '')).toBe(true)
      expect(ok).toBe(found.every(({ status }) => status === 'warning'))
    } finally {
      await heal(patient)
    }
  })
})

it('has a fault for every check of a store that it alone reports', () => {
  const alone = faults.flatMap(({ finds }) => {
    const names = new Set(finds.map(find => find.split(' ')[0]))
    return names.size === 1 ? [...names] : []
  })
  const known = knownChecks.map(({ name }) => name).filter(name => name.startsWith('store.'))
  expect(new Set(alone)).toEqual(new Set(known))
})

it('plants thirty faults and more', () => expect(faults.length).toBeGreaterThanOrEqual(30))

async function openPatient(store: Store): Promise<Patient> {
  const objects = new Map<string, Buffer>()
  for await (const { key } of listObjects(store, '', signal)) objects.set(key, await readAll(store, key))
  const touched = new Set<string>()
  return {
    store,
    objects,
    touched,
    async put(key, bytes) {
      touched.add(key)
      await store.put(key, bytes, { crc32c: crc32c(bytes) }, { signal })
    },
    async remove(key) {
      touched.add(key)
      await store.remove(key, { signal })
    },
  }
}

async function readAll(store: Store, key: string): Promise<Buffer> {
  return await buffer(await store.read(key, undefined, { signal }))
}

/** Puts everything back, whatever a fault did. */
async function heal({ store, objects, touched, put, remove }: Patient): Promise<void> {
  for await (const upload of store.listUploads?.('', { signal }) ?? []) await store.abortUpload?.(upload, { signal })
  for (const key of Array.from(touched)) {
    const content = objects.get(key)
    await (content === undefined ? remove(key) : put(key, content))
  }
  touched.clear()
}
