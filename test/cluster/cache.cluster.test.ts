import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { choices } from '../e2e/workplace.ts'
import { type NgcInNetwork, openWorkplace, startNgcInNetwork } from './workplace.ts'

const place = await openWorkplace()
let ngc: NgcInNetwork
beforeAll(async () => {
  ngc = await startNgcInNetwork()
})
afterAll(() => ngc.stop())

const [llm1] = choices
const nothing = Readable.from([])

function cacheOf(choice = llm1, claim = '') {
  if (choice === undefined) throw new Error('No stand-in was chosen.')
  const ids = choice.profiles.flatMap(({ id }) => ['--profile', id])
  return ['cache', choice.image.reference, `pvc://${claim}`, ...ids, ...ngc.flags]
}

/** Lists the files where the NIM's own image has no shell. */
const withShell = ['--check-image', 'registry.internal/busybox:1']

function countFiles(directory: string): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).length
}

it.concurrent.each(choices)('fills a claim from $family, and downloads nothing the second time', async choice => {
  const claim = choice.family.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  const directory = await place.makeClaim(claim)
  const outcome = await place.run([...cacheOf(choice, `${claim}/model`), '--json'])
  expect(outcome.stderr).not.toMatch(/Error/)
  expect(outcome.json()).toMatchObject({
    kind: 'CacheResult',
    ok: true,
    dir: `pvc://${claim}/model`,
    profiles: choice.profiles.map(({ id }) => ({ id, present: true })),
    imageDigest: expect.stringMatching(/^sha256:/),
    files: countFiles(join(directory, 'model')),
  })
  expect(outcome.exitCode).toBe(0)

  const asked = (await ngc.requests()).length
  const second = await place.run([...cacheOf(choice, `${claim}/model`), ...withShell, '--json'])
  expect(second.json()).toMatchObject({ ok: true, files: outcome.json()['files'] })
  const files = `/xfiles/${choice.image.versions[0]?.model}/`
  expect((await ngc.requests()).slice(asked).filter(path => path.startsWith(files))).toEqual([])
})

const { llm2, native, modelFree } = standIns
const [engine] = llm2.profiles

it.each([
  { form: 'flat', image: llm2, flags: ['--profile', engine?.id ?? '', '--flat'], holds: 'config.json' },
  {
    form: 'native',
    image: native,
    flags: ['--model-name', 'nvidia/page-elements-v3', '--model-name', 'nvidia/table-structure-v1', ...withShell],
    holds: 'table-structure-v1/checksums.blake3',
  },
  {
    form: 'endpoint',
    image: modelFree,
    flags: ['--model-endpoint', 'ngc://nim/qwen/qwen3-8b:hf-1a2b3c4'],
    holds: 'checksums.blake3',
  },
  { form: 'uri', image: modelFree, flags: ['--model-uri', 'hf://example/qwen3-8b'], holds: 'model_manifest.json' },
])('fills a claim in the form $form', async ({ form, image, flags, holds }) => {
  const directory = await place.makeClaim(form)
  const hub = ['--env', `HF_ENDPOINT=${ngc.url}`]
  const outcome = await place.run(['cache', image.reference, `pvc://${form}`, ...flags, ...ngc.flags, ...hub, '--json'])
  expect(outcome.stderr).not.toMatch(/Error/)
  expect(outcome.json()).toMatchObject({ ok: true, checks: [], files: countFiles(directory) })
  expect(readdirSync(directory, { recursive: true })).toContain(holds)
  expect(await place.left()).toBe('')
})

it('names a profile that the container passed over with exit 0', async () => {
  await place.makeClaim('skipped')
  const [known] = llm1?.profiles ?? []
  const unknown = 'f'.repeat(64)
  const listed = (id = '') => ({ id, description: '', section: 'unknown', lora: false, tags: {}, selected: true })
  const listing = { kind: 'ProfileListing', formatVersion: 1, source: 'file', gpus: [], warnings: [] }
  const file = join(tmpdir(), `${place.namespace}.json`)
  await writeFile(file, JSON.stringify({ ...listing, profiles: [listed(known?.id), listed(unknown)] }))
  const args = ['cache', llm1?.image.reference ?? '', 'pvc://skipped', '--profiles-from', file, ...ngc.flags, '--json']
  const outcome = await place.run(args)
  expect(outcome.json()).toMatchObject({
    ok: false,
    profiles: [
      { id: known?.id, present: true },
      { id: unknown, present: false },
    ],
  })
  expect(outcome.stderr).toContain(`Profile ${unknown} is not in the cache. The container does not know it`)
  expect(outcome.exitCode).toBe(3)
})

it.each([
  { signal: 'SIGINT', exitCode: 130 },
  { signal: 'SIGTERM', exitCode: 143 },
] as const)('$signal: Job and pod are gone, and the same command goes on', async ({ signal, exitCode }) => {
  const claim = signal.toLowerCase()
  await place.makeClaim(claim)
  const { said, child } = await startSlowly(cacheOf(llm1, claim))
  child.kill(signal)
  const [code] = await once(child, 'exit')
  const [, stderr] = await said
  await ngc.behave()
  expect(code).toBe(exitCode)
  expect(stderr).toContain(`Interrupted by ${signal}`)
  await expect.poll(() => place.left(), { timeout: 20_000 }).toBe('')
  expect(await place.run(cacheOf(llm1, claim))).toMatchObject({ exitCode: 0 })
})

it('follows the Job of a run that was killed outright', async () => {
  await place.makeClaim('killed')
  const { child } = await startSlowly(cacheOf(llm1, 'killed'))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(await place.left()).toMatch(/job\.batch\/nimctl-cache-/)
  const next = place.start(cacheOf(llm1, 'killed'))
  const ended = once(next, 'exit')
  let log = ''
  next.stderr?.on('data', chunk => (log += String(chunk)))
  await expect
    .poll(() => log, { timeout: 60_000 })
    .toMatch(/The Job nimctl-cache-\S+ of an earlier run of this command is still there/)
  // Not earlier: a Job that has ended meanwhile is made anew.
  await ngc.behave()
  expect(await ended).toEqual([0, null])
  expect(await place.left()).toBe('')
})

/** Starts a download that is not soon done, and waits for its first bytes. */
async function startSlowly(args: string[]) {
  await ngc.misbehave({ path: 'safetensors', fault: { type: 'slow', bytesPerSecond: 100_000 } })
  const child = place.start([...args, '--verbose'])
  const said = Promise.all([text(child.stdout ?? nothing), text(child.stderr ?? nothing)])
  let log = ''
  child.stderr?.on('data', chunk => (log += String(chunk)))
  await expect.poll(() => log, { timeout: 60_000 }).toMatch(/fetching filemap from/)
  return { child, said }
}

it('says what NGC refuses in the words of a cluster', async () => {
  await place.makeClaim('refused')
  const keyless = cacheOf(llm1, 'refused').filter(arg => arg !== '--ngc-secret' && arg !== 'nvidia-nim-secrets')
  const outcome = await place.run([...keyless, '--json'])
  expect(outcome.json()).toMatchObject({ code: 'NGC_KEY_MISSING', next: expect.stringContaining('--ngc-secret') })
  expect(outcome.exitCode).toBe(4)
  expect(await place.left()).toBe('')
})
