import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, describe, expect, it } from 'vitest'

import { writeCacheRecord } from '../../../src/cache/record.ts'
import type { Config } from '../../../src/pipeline/config/schema.ts'
import { readLock, updateLock } from '../../../src/pipeline/lock.ts'
import { run, type RunRequest } from '../../../src/pipeline/run/run.ts'
import { silent } from '../../../src/system/progress.ts'
import { makeTemporaryDirectory } from '../../servers/temporary-directory.ts'
import { aLockedModel, anInventory, aToolbox, digest, mirroredImage } from './fixtures.ts'

const directory = makeTemporaryDirectory()
afterAll(() => directory.remove())
const { signal } = new AbortController()

let count = 0

function aRequest(changes: Partial<RunRequest> & Pick<RunRequest, 'toolbox'>): RunRequest {
  const home = join(directory.path, String(count++))
  const model = (name: string) => ({ name, image: 'r/llama:1', profiles: { all: true } })
  const config: Config = {
    version: 1,
    stores: { a: { url: 's3://a' }, b: { url: 's3://b' } },
    defaults: { upload: [{ store: 'a' }, { store: 'b' }] },
    models: [model('llama'), model('other')],
  }
  return {
    config,
    lockFile: join(home, 'nimctl.lock'),
    directoryOf: ({ name }) => join(home, name),
    steps: ['mirror', 'profiles', 'cache', 'upload', 'validate', 'emit'],
    only: ['llama'],
    frozen: false,
    update: false,
    keepGoing: false,
    dryRun: false,
    parallel: 1,
    timeoutsMs: {},
    ratePerSecond: 100,
    signal,
    report: silent,
    ...changes,
  }
}

const complete = { inventory: anInventory(), digest, complete: true }
const verbs = (commands: readonly string[]) => commands.map(command => command.split(' ', 2).join(' '))

describe('what lies at the destinations', () => {
  it('is neither downloaded nor sent again where it is as the lock says', async () => {
    const { toolbox, commands } = aToolbox({ '@a/llama': complete, '@b/llama': complete })
    const request = aRequest({ toolbox })
    await updateLock(request.lockFile, { name: 'llama', model: aLockedModel(), signal })
    expect(await run(request)).toMatchObject({ ok: true, exitCode: 0 })
    expect(verbs(commands)).toEqual(['validate store', 'validate store'])
  })

  it('fills another one that lost it', async () => {
    const { toolbox, commands } = aToolbox({ '@a/llama': complete })
    const request = aRequest({ toolbox })
    await updateLock(request.lockFile, { name: 'llama', model: aLockedModel(), signal })
    await run(request)
    expect(commands[0]).toBe('upload @a/llama @b/llama')
  })

  it.each([
    ['is not whole', { ...complete, complete: false }],
    ['is something else', { ...complete, inventory: anInventory(8) }],
  ])('is brought again where it %s', async (_, other) => {
    const { toolbox, commands } = aToolbox({ '@a/llama': other, '@b/llama': other })
    const request = aRequest({ toolbox })
    await updateLock(request.lockFile, { name: 'llama', model: aLockedModel(), signal })
    await run(request)
    expect(verbs(commands).slice(0, 2)).toEqual([
      `cache r/llama:1@${digest}`,
      `upload ${request.directoryOf({ name: 'llama', image: '' })}`,
    ])
  })
})

it('notes in the lock what arrived, and leaves the other models there', async () => {
  const { toolbox } = aToolbox()
  const request = aRequest({ toolbox })
  await updateLock(request.lockFile, { name: 'other', model: aLockedModel({ choice: '--tp 1' }), signal })
  await run(request)
  expect((await readLock(request.lockFile)).models).toEqual({
    llama: aLockedModel(),
    other: aLockedModel({ choice: '--tp 1' }),
  })
})

describe('the mirror', () => {
  const { destination, digest: copied, platformDigests: platforms } = mirroredImage
  const held = { '@a/llama': complete, '@b/llama': complete }
  const locked = aLockedModel({ mirrored: { destination, digest: copied, platforms } })
  const withMirror = (request: RunRequest): RunRequest => ({
    ...request,
    config: { ...request.config, defaults: { ...request.config.defaults, mirror: { to: 'registry.internal:5000' } } },
  })

  it('is noted in the lock, by platform', async () => {
    const { toolbox } = aToolbox()
    const request = withMirror(aRequest({ toolbox }))
    await run(request)
    expect((await readLock(request.lockFile)).models['llama']).toEqual(locked)
  })

  it.each([
    ['is left where it has the image as the lock says', { [destination]: copied }, 'present'],
    ['gets the image again where it has another', { [destination]: digest }, 'done'],
    ['gets the image again where nobody can say', {}, 'done'],
  ])('%s', async (_, inMirror, status) => {
    const { toolbox } = aToolbox(held, undefined, inMirror)
    const request = withMirror(aRequest({ toolbox }))
    await updateLock(request.lockFile, { name: 'llama', model: locked, signal })
    const [result] = (await run(request)).models
    expect(result?.steps[0]).toMatchObject({ step: 'mirror', status })
  })
})

it('hands a variable to the cache by its environment, and shows its value nowhere', async () => {
  const { toolbox } = aToolbox()
  const seen: unknown[] = []
  const command: typeof toolbox.command = (args, options) => {
    if ('HF_TOKEN' in (options.env ?? {})) seen.push(args[0])
    return toolbox.command(args, options)
  }
  const request = aRequest({ toolbox: { ...toolbox, command } })
  const cache = { env: { HF_TOKEN: 'hunter2' } }
  const defaults = { ...request.config.defaults, cache }
  const result = await run({ ...request, config: { ...request.config, defaults } })
  expect(seen).toEqual(['cache', 'cache'])
  expect(JSON.stringify(result)).toContain('--env HF_TOKEN')
  expect(JSON.stringify(result)).not.toContain('hunter2')
})

it('plans bytes, disk and time, and changes nothing', async () => {
  const { toolbox, commands } = aToolbox()
  const request = aRequest({ toolbox, dryRun: true, only: ['llama', 'other'] })
  const result = await run(request)
  expect(result).toMatchObject({ dryRun: true, totals: { cacheBytes: 14, uploadBytes: 14, diskBytes: 14, seconds: 1 } })
  expect(verbs(commands)).toEqual(['cache r/llama:1', 'cache r/llama:1'])
  expect(commands.every(command => command.includes('--dry-run'))).toBe(true)
  expect(existsSync(request.lockFile)).toBe(false)
})

it('takes the parts of several machines, each model once', async () => {
  const taken = await Promise.all(
    [0, 1].map(async index => {
      const request = aRequest({ toolbox: aToolbox().toolbox, shard: { index, count: 2 }, only: ['llama', 'other'] })
      return (await run(request)).models.map(({ name }) => name)
    }),
  )
  expect(taken).toEqual([['llama'], ['other']])
})

describe('a failure', () => {
  const unavailable = { category: 'unavailable', code: 'STORE_UNAVAILABLE', what: 'Gone.', next: 'Later.' }
  const failing = (args: readonly string[]) => (args[0] === 'upload' ? unavailable : undefined)

  it('ends its model, and no new one is begun', async () => {
    const { toolbox } = aToolbox({}, failing)
    const result = await run(aRequest({ toolbox, only: ['llama', 'other'] }))
    expect(result).toMatchObject({ ok: false, exitCode: 6 })
    const [llama, other] = result.models
    expect(llama?.steps.find(({ step }) => step === 'upload')).toMatchObject({
      status: 'failed',
      error: { ...unavailable, exitCode: 6 },
    })
    expect(llama?.steps.find(({ step }) => step === 'validate')).toMatchObject({ status: 'not-reached' })
    expect(other?.steps.find(({ step }) => step === 'cache')).toMatchObject({ status: 'not-reached' })
  })

  it('leaves the others going with --keep-going', async () => {
    const { toolbox } = aToolbox({}, args =>
      args.join(' ').includes('/other') && args[0] === 'cache' && !args.includes('--dry-run') ? unavailable : undefined,
    )
    const { models } = await run(aRequest({ toolbox, keepGoing: true, only: ['other', 'llama'] }))
    expect(models.map(({ name, ok }) => `${name} ${ok}`)).toEqual(['llama true', 'other false'])
  })

  it('of a step that takes too long says so', async () => {
    const { toolbox } = aToolbox()
    const command: typeof toolbox.command = (args, options) =>
      args.includes('--dry-run') || args[0] !== 'cache'
        ? toolbox.command(args, options)
        : new Promise((_resolve, reject) =>
            options.signal.addEventListener('abort', () => reject(options.signal.reason)),
          )
    const result = await run(aRequest({ toolbox: { ...toolbox, command }, timeoutsMs: { cache: 20 } }))
    expect(result).toMatchObject({ exitCode: 6 })
    expect(JSON.stringify(result)).toContain('STEP_TIMED_OUT')
  })
})

describe('--locked', () => {
  it('refuses what the lock does not know', async () => {
    const result = await run(aRequest({ toolbox: aToolbox().toolbox, frozen: true }))
    expect(result).toMatchObject({ exitCode: 3 })
    expect(JSON.stringify(result)).toContain('LOCK_MISSING')
  })

  it.each([
    ['a tag that moved', { imageDigest: `sha256:${'e'.repeat(64)}` }],
    ['a profile that is gone', { profiles: ['p', 'q'] }],
  ])('refuses %s', async (_, changes) => {
    const { toolbox, commands } = aToolbox()
    const request = aRequest({ toolbox, frozen: true })
    await updateLock(request.lockFile, { name: 'llama', model: aLockedModel(changes), signal })
    const result = await run(request)
    expect(result).toMatchObject({ exitCode: 3 })
    expect(JSON.stringify(result)).toContain('LOCK_CHANGED')
    expect(verbs(commands)).toEqual(['cache r/llama:1'])
  })
})

describe('--max-disk', () => {
  it('removes a cache once it is in the stores, and only what nimctl filled', async () => {
    const { toolbox } = aToolbox()
    const request = aRequest({ toolbox, maxDisk: 10, only: ['llama', 'other'] })
    for (const { name } of request.config.models)
      await mkdir(request.directoryOf({ name, image: '' }), { recursive: true })
    await writeCacheRecord(request.directoryOf({ name: 'llama', image: '' }), {
      formatVersion: 1,
      kind: 'CacheRecord',
      image: 'r/llama:1',
      imageDigest: digest,
      family: 'llm',
      profiles: [],
    })
    await writeFile(join(request.directoryOf({ name: 'other', image: '' }), 'own'), '')
    await run(request)
    expect(existsSync(request.directoryOf({ name: 'llama', image: '' }))).toBe(false)
    expect(existsSync(request.directoryOf({ name: 'other', image: '' }))).toBe(true)
  })

  it('refuses a model that alone needs more', async () => {
    const result = await run(aRequest({ toolbox: aToolbox().toolbox, maxDisk: 6 }))
    expect(result).toMatchObject({ exitCode: 8 })
    expect(JSON.stringify(result)).toContain('DISK_LIMIT')
  })
})

it('refuses a model that the file does not have', async () => {
  await expect(run(aRequest({ toolbox: aToolbox().toolbox, only: ['lama'] }))).rejects.toMatchObject({
    code: 'MODEL_UNKNOWN',
    next: 'There are: llama, other',
  })
})

it.each([
  '',
  '{}',
  '{"formatVersion":1,"kind":"Lock","models":{"a":{}}}',
  '{"formatVersion":2,"kind":"Lock","models":{}}',
])('refuses a lock that holds %j', async text => {
  const file = join(directory.path, 'broken.lock')
  await writeFile(file, text)
  await expect(readLock(file)).rejects.toMatchObject({ category: 'usage', code: 'LOCK_FILE_INVALID' })
})
