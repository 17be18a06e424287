import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import { findProfile, standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { seeded } from '../seeded.ts'
import { type Outcome, startNimctl } from './nimctl.ts'
import { readTree } from './trees.ts'
import { openWorkplace, type Workplace } from './workplace.ts'

const { llm1, llm2, nimlib, native, modelFree } = standIns

/** A tag that can be moved. */
const movable = 'nvcr.stand-in.test/nim/meta/llama-of-the-run:1'
const docker = connectEngine(inject('dockerHost'))
const tag = (from: string) => docker.getImage(from).tag({ repo: movable.split(':')[0] ?? '', tag: '1' })

let place: Workplace
beforeAll(async () => {
  place = await openWorkplace()
  place.env['HF_ENDPOINT'] = place.ngc.url
  await tag(llm1.reference)
})
afterAll(() => place.close())

const vllm = findProfile(llm1, 'vllm-fp16-tp1').id

/** Six models of all families. */
const models = [
  { name: 'llm1', image: movable, profiles: { ids: [vllm] }, emits: true },
  {
    name: 'llm2',
    image: llm2.reference,
    profiles: { ids: [findProfile(llm2, 'vllm-fp8-tp1-pp1-34.0').id] },
    emits: true,
  },
  { name: 'nimlib', image: nimlib.reference, profiles: { ids: [nimlib.profiles[0]?.id] }, emits: true },
  { name: 'native', image: native.reference, cache: { modelName: ['nvidia/page-elements-v3'] } },
  { name: 'universal', image: modelFree.reference, cache: { modelEndpoint: 'ngc://nim/qwen/qwen3-8b:hf-1a2b3c4' } },
  { name: 'model-free', image: modelFree.reference, cache: { modelUri: 'hf://example/qwen3-8b' } },
]

/** A project of its own: nimctl.yaml with two destinations a model, a bucket and a share. */
async function makeProject(name: string): Promise<{ file: string; run: (...args: string[]) => Promise<Outcome> }> {
  const directory = place.path(name)
  await mkdir(directory, { recursive: true })
  const names = ['NGC_API_ENDPOINT', 'NGC_AUTH_ENDPOINT', 'NGC_API_SCHEME', 'HF_ENDPOINT']
  const config = {
    version: 1,
    stores: {
      bucket: { url: `s3://models/run-${randomBytes(4).toString('hex')}` },
      share: { url: `file://${directory}/share` },
    },
    defaults: {
      cache: { network: 'host', env: Object.fromEntries(names.map(variable => [variable, `\${${variable}}`])) },
      upload: [{ store: 'bucket' }, { store: 'share' }],
      mirror: { to: `${inject('registryHost')}/${name}`, destTlsVerify: false },
    },
    models: models.map(({ image, emits, ...model }) => ({
      ...model,
      image: `docker-daemon:${image}`,
      ...(emits === true && { emit: [objects(model.name, directory)] }),
    })),
  }
  const file = `${directory}/nimctl.yaml`
  await writeFile(file, JSON.stringify(config))
  return { file, run: (...args) => place.run(['run', '--config', file, '--json', ...args]) }
}

function objects(name: string, directory: string) {
  const flags = { 'loader-image': 'registry.internal:5000/nimctl:1', 'image-registry': 'registry.internal:5000' }
  return { kind: 'stack', store: 'bucket', write: `${directory}/${name}.yaml`, flags }
}

/** Which steps of which model did something. */
function doneSteps(outcome: Outcome): string[] {
  const { models: results } = outcome.json() as {
    models: { name: string; steps: { step: string; status: string }[] }[]
  }
  return results.flatMap(({ name, steps }) =>
    steps.filter(({ status }) => status === 'done').map(({ step }) => `${name} ${step}`),
  )
}

/** What went wrong, in words. */
function errorsOf(outcome: Outcome): string[] {
  const { models: results } = outcome.json() as {
    models: { name: string; steps: { step: string; error?: object }[] }[]
  }
  return results.flatMap(({ name, steps }) =>
    steps.flatMap(({ step, error }) => (error === undefined ? [] : [`${name} ${step}: ${JSON.stringify(error)}`])),
  )
}

const lockOf = async (file: string) => JSON.parse(await readFile(file.replace('.yaml', '.lock'), 'utf8'))

/** Each project has a mirror of its own. */
async function lockWithoutMirror(file: string) {
  const { models: locked } = await lockOf(file)
  for (const model of Object.values<{ mirrored?: object }>(locked)) delete model.mirrored
  return locked
}

describe('a project', () => {
  let project: Awaited<ReturnType<typeof makeProject>>
  beforeAll(async () => {
    project = await makeProject('project')
  })

  it('plans without changing anything', async () => {
    const outcome = await project.run('--dry-run')
    expect(outcome.json()).toMatchObject({ kind: 'RunResult', ok: true, dryRun: true, exitCode: 0 })
    const { totals } = outcome.json() as { totals: { cacheBytes: number; uploadBytes: number } }
    expect(totals.uploadBytes).toBe(totals.cacheBytes)
    expect(totals.cacheBytes).toBeGreaterThan(1_000_000)
    const listing = await place.run(['list', '@share', '--config', project.file, '--json'])
    expect(listing.json()).toMatchObject({ caches: [] })
  })

  it('is brought to every destination, and its objects are written', async () => {
    const outcome = await project.run()
    expect(errorsOf(outcome)).toEqual([])
    expect(outcome.json()).toMatchObject({
      ok: true,
      exitCode: 0,
      models: models.map(({ name }) => ({ name, ok: true })),
    })
    expect(outcome.exitCode).toBe(0)
    for (const store of ['@bucket', '@share']) {
      const listing = await place.run(['list', store, '--config', project.file, '--json'])
      const { caches } = listing.json() as { caches: { complete: boolean }[] }
      expect(caches.map(({ complete }) => complete)).toEqual(models.map(() => true))
    }
    const lock = await lockOf(project.file)
    expect(lock.models.llm1.mirrored).toMatchObject({
      destination: expect.stringContaining(inject('registryHost')),
      platforms: [{ platform: 'linux/amd64', digest: expect.stringMatching(/^sha256:/) }],
    })
    expect(Object.keys(lock.models)).toEqual(models.map(({ name }) => name).toSorted())
    expect(lock.models.llm1).toMatchObject({
      image: `docker-daemon:${movable}`,
      imageDigest: expect.stringMatching(/^sha256:/),
      choice: `--profile ${vllm}`,
      profiles: [vllm],
      files: expect.arrayContaining([
        expect.objectContaining({ crc32c: expect.any(String), size: expect.any(Number) }),
      ]),
    })
    for (const name of ['llm1', 'llm2', 'nimlib'])
      expect(await readFile(place.path(`project/${name}.yaml`), 'utf8')).toContain('kind: NIMService')
  })

  it('moves nothing on an empty disk, and asks NGC for nothing', async () => {
    await rm(place.path('project/caches'), { recursive: true })
    await rm(place.path('state'), { recursive: true })
    const asked = place.ngc.requests().length
    const outcome = await project.run()
    expect(outcome.json()).toMatchObject({ ok: true })
    expect(doneSteps(outcome).filter(step => /cache|upload|mirror/.test(step))).toEqual([])
    expect(place.ngc.requests().slice(asked)).toEqual([])
  })

  it('fills a lost destination from another one, without NGC', async () => {
    const before = await readTree(place.path('project/share/llm1'))
    await rm(place.path('project/share/llm1'), { recursive: true })
    const asked = place.ngc.requests().length
    expect((await place.run(['diff', '--config', project.file, '--json'])).json()).toMatchObject({
      ok: false,
      changes: [{ model: 'llm1', change: 'destination-empty', what: '@share/llm1' }],
    })
    const lookedUp = place.ngc.requests().length
    const outcome = await project.run('--only', 'llm1')
    expect(doneSteps(outcome)).toContain('llm1 upload')
    expect(await readTree(place.path('project/share/llm1'))).toEqual(before)
    expect(place.ngc.requests().slice(lookedUp)).toEqual([])
    expect(lookedUp).toBeGreaterThanOrEqual(asked)
  })

  it('is the same as its lock, until a tag moves', async () => {
    expect(await place.run(['diff', '--config', project.file])).toMatchObject({ exitCode: 0 })
    expect(await project.run('--locked')).toMatchObject({ exitCode: 0 })
    await tag(llm2.reference)
    try {
      const outcome = await project.run('--locked', '--only', 'llm1')
      expect(outcome.exitCode).toBe(3)
      expect(JSON.stringify(outcome.json())).toContain('LOCK_CHANGED')
      const diff = await place.run(['diff', '--config', project.file, '--json'])
      expect(diff.exitCode).toBe(3)
      expect(diff.json()).toMatchObject({
        changes: expect.arrayContaining([
          expect.objectContaining({ model: 'llm1', change: 'image-moved' }),
          expect.objectContaining({ model: 'llm1', change: 'profile-vanished', what: vllm }),
        ]),
      })
    } finally {
      await tag(llm1.reference)
    }
  })
})

it('sends nothing with --locked where the files are others than those of the lock', async () => {
  const project = await makeProject('other-files')
  const args = ['--only', 'llm1', '--directory', place.path('other-files')]
  expect(errorsOf(await project.run(...args))).toEqual([])
  const lockFile = project.file.replace('.yaml', '.lock')
  const lock = await lockOf(project.file)
  lock.models.llm1.files[0].size += 1
  lock.models.llm1.contentDigest = `sha256:${'0'.repeat(64)}`
  await writeFile(lockFile, JSON.stringify(lock))
  await rm(place.path('other-files/share'), { recursive: true })
  const outcome = await project.run(...args, '--locked')
  expect(errorsOf(outcome)).toEqual([expect.stringContaining('LOCK_CHANGED')])
  expect(outcome.exitCode).toBe(3)
  expect((await place.run(['list', '@share', '--config', project.file, '--json'])).json()).toMatchObject({ caches: [] })
  expect(await lockOf(project.file)).toEqual(lock)
})

it('ends the same by four processes as by one', async () => {
  const four = await makeProject('four')
  const outcomes = await Promise.all([1, 2, 3, 4].map(part => four.run('--shard', `${part}/4`)))
  expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
  expect(await endOf('four')).toEqual(await endOf('project'))
})

it('ends the same when it is killed at twenty random moments', async () => {
  const seed = 20_261_121
  const random = seeded(seed)
  const killed = await makeProject('killed')
  for (let kill = 0; kill < 20; kill++) {
    const child = startNimctl(['run', '--config', killed.file, '--quiet'], { env: place.env })
    const ended = once(child, 'exit')
    await Promise.race([ended, wait(300 + random.fraction() * 2500)])
    child.kill('SIGKILL')
    await ended
  }
  const outcome = await killed.run()
  expect(outcome.json(), `seed ${seed}`).toMatchObject({ ok: true })
  expect(await endOf('killed')).toEqual(await endOf('project'))
})

/** What a run leaves: the lock, but for the mirror that each project has of its own, and what lies at a destination. */
async function endOf(name: string) {
  const locked = await lockWithoutMirror(place.path(`${name}/nimctl.yaml`))
  return { locked, share: await readTree(place.path(`${name}/share`)) }
}
