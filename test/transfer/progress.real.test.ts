import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import type { ProgressEvent } from '../../src/system/progress.ts'
import type { UploadedDestination } from '../../src/transfer/upload.ts'
import { makeSeededCache } from '../campaign/seeded-cache.ts'
import { nimctl, type Outcome } from '../e2e/nimctl.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { newSeed, seeded } from '../seeded.ts'

const s3Env = inject('s3Env')

let work: string
let urls: string[]
const run = (...args: string[]): Promise<Outcome> =>
  nimctl(['upload', join(work, 'cache'), ...urls, '--part-size', '5Mi', ...args], {
    env: { ...s3Env, HOME: work, NIMCTL_STATE_DIR: join(work, 'state') },
  })

beforeAll(async () => {
  work = await temporaryDirectory()
  await makeSeededCache(join(work, 'cache'), seeded(newSeed()), { smallFiles: 12 })
  urls = [`s3://models/progress-${process.pid}/`, `${pathToFileURL(join(work, 'store')).href}/`]
})
afterAll(() => rm(work, { recursive: true, force: true }))

it('an upload to two destinations says of each what arrived and what becomes of it', async () => {
  const outcome = await run('--progress', 'json', '--json')
  expect(outcome).toMatchObject({ exitCode: 0 })
  const events = outcome.stderr
    .trim()
    .split('\n')
    .map((line): ProgressEvent => JSON.parse(line))
  const { destinations } = outcome.json() as unknown as { destinations: UploadedDestination[] }
  expect(destinations.map(({ url }) => url)).toEqual(urls)
  for (const { url, uploadedBytes, uploadedFiles, copiedFiles } of destinations) {
    const own = events.filter(event => 'destination' in event && event.destination === url)
    const done = (action: string) => own.filter(event => event.event === 'finished' && event.action === action).length
    expect(own.reduce((sum, event) => sum + (event.event === 'bytes' ? event.bytes : 0), 0)).toBe(uploadedBytes)
    expect([done('uploaded'), done('copied'), done('checked')]).toEqual([
      uploadedFiles,
      copiedFiles,
      uploadedFiles + copiedFiles,
    ])
    expect(own.flatMap(event => (event.event === 'phase' ? event.phase : []))).toEqual([
      'compare',
      'send',
      'copy',
      'verify',
      'publish',
      'done',
    ])
  }

  const again = await run('--progress', 'plain')
  expect(again).toMatchObject({ exitCode: 0 })
  for (const url of urls) expect(again.stderr).toMatch(new RegExp(`^upload ${url} +complete {2}`, 'm'))
})
