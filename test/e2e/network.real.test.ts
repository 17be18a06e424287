import { existsSync } from 'node:fs'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { rootPrefix } from '../servers/root.ts'
import { nimctl, type Outcome, succeeded } from './nimctl.ts'
import { readTree } from './trees.ts'
import { choices, fillCache, openWorkplace, type Workplace } from './workplace.ts'

let place: Workplace
let cache: string
beforeAll(async () => {
  place = await openWorkplace()
  cache = await fillCache(place, 'cache')
  succeeded(await place.run(['upload', cache, shareUrl()]))
  succeeded(await place.run(['upload', cache, bucketUrl]))
})
afterAll(() => place.close())

const shareUrl = () => pathToFileURL(place.path('share')).href
const bucketUrl = `s3://models/network-${process.pid}`
const loader = ['--loader-image', 'registry.internal:5000/nimctl:1', '--image-registry', 'registry.internal:5000']

/** What people do on the other side. @param back where it is downloaded to. */
function disconnectedHalf(store: string, back: string): Record<string, string[]> {
  const address = store.startsWith('file:') ? ['--store-url', 's3://models/llama', '--region', 'us-east-1'] : []
  const objects = join(back, '../objects.yaml')
  const profile = ['--profile', choices[0]?.profiles[0]?.id ?? '']
  return {
    list: ['list', store],
    'validate store': ['validate', 'store', store],
    download: ['download', store, back],
    'validate cache': ['validate', 'cache', back, '--deep'],
    emit: ['emit', 'stack', 'llama', '--cache', store, ...address, ...loader, ...profile, '--write', objects],
    'validate objects': ['validate', 'objects', '-f', objects, '--image-registry', 'registry.internal:5000'],
    help: ['--help'],
    version: ['version'],
  }
}

/** Only these places are asked, whatever the environment would permit. */
async function placesAsked(args: readonly string[]): Promise<{ outcome: Outcome; asked: string[] }> {
  const file = place.path('connections')
  await rm(file, { force: true })
  const hook = pathToFileURL(join(import.meta.dirname, '../../fixtures/seen-connections.js')).href
  const outcome = await place.run(args, { NODE_OPTIONS: `--import=${hook}`, SEEN_CONNECTIONS: file })
  const lines = existsSync(file) ? (await readFile(file, 'utf8')).split('\n').filter(line => line !== '') : []
  return { outcome, asked: [...new Set(lines)] }
}

describe('the disconnected half', () => {
  it('works in a network without routes', async () => {
    const sudo = rootPrefix()
    if (sudo === undefined) throw new Error('A network namespace needs root, or sudo without a password.')
    const [command = '', ...before] = sudo.concat('unshare', '--net', process.execPath)
    const back = place.path('offline/back')
    await mkdir(place.path('offline'), { recursive: true })
    for (const args of Object.values(disconnectedHalf(shareUrl(), back)))
      succeeded(await nimctl(args, { env: place.env, cwd: place.path('offline'), program: [command, ...before] }))
    expect(await readTree(back)).toEqual(await readTree(cache))
  })

  it('asks nobody but the store that is named', async () => {
    const { AWS_ENDPOINT_URL = '', AWS_ENDPOINT_URL_S3 = AWS_ENDPOINT_URL } = place.env
    const { host } = new URL(AWS_ENDPOINT_URL_S3)
    await mkdir(place.path('online'), { recursive: true })
    const ofStore = new Set(['list', 'validate store', 'download', 'emit'])
    const asked: Record<string, unknown> = {}
    const expected: Record<string, unknown> = {}
    for (const [name, args] of Object.entries(disconnectedHalf(bucketUrl, place.path('online/back')))) {
      const result = await placesAsked(args)
      asked[name] = { exitCode: result.outcome.exitCode, places: result.asked }
      expected[name] = { exitCode: 0, places: ofStore.has(name) ? [host] : [] }
    }
    expect(asked).toEqual(expected)
  })
})
