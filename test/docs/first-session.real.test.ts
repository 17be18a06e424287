import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, inject, it } from 'vitest'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { startNgc, type Ngc } from '../../fixtures/stand-in/ngc.ts'
import { nimctl } from '../e2e/nimctl.ts'
import { temporaryDirectory } from '../hub-cache.ts'
import { markedBlock, readPage, section } from './markdown.ts'
import { runShell, withValues } from './shell.ts'

const key = 'nvapi-of-the-first-session'
const store = 's3://models/first-session'
const registry = inject('registryHost')
const image = standIns.llm1.reference.replace(/^[^/]+/, registry)
const containerFlags = '--network host --env NGC_API_ENDPOINT --env NGC_AUTH_ENDPOINT --env NGC_API_SCHEME'

let directory: string
let ngc: Ngc
let env: Record<string, string>
beforeAll(async () => {
  directory = await temporaryDirectory()
  ngc = await startNgc({ keys: [key] })
  env = {
    ...inject('s3Env'),
    DOCKER_HOST: inject('dockerHost'),
    HOME: directory,
    NGC_API_KEY: key,
    NGC_API_ENDPOINT: ngc.endpoint,
    NGC_AUTH_ENDPOINT: ngc.endpoint,
    NGC_API_SCHEME: 'http',
  }
  await trustRegistry()
  await buildStandInImages({ docker: connectEngine(inject('dockerHost')), only: [standIns.llm1.reference] })
  // What nvcr.io is to a reader.
  const pushed = await nimctl(['mirror', `docker-daemon:${standIns.llm1.reference}`, '--to', registry], { env })
  if (pushed.exitCode !== 0) throw new Error(pushed.stderr)
})
afterAll(async () => {
  await ngc.stop()
})

it('the first session of the README runs as it stands there', async () => {
  const readme = readPage('README.md')
  const session = withValues(markedBlock(readme, 'first-session'), {
    IMAGE: image,
    REGISTRY: `${registry}/internal`,
    STORE: store,
    CONTAINER_FLAGS: containerFlags,
  })
  const ran = await runShell(session, { directory, env })
  expect(ran).toMatchObject({ exitCode: 0 })
  const { output } = ran
  expect(output).toContain(`${store}/ is complete: sent 2.5 MiB`)
  expect(output).toContain(`${store}/ is complete: sent 0 B`)
  expect(output).not.toContain(key)
  const yaml = await readFile(join(directory, 'llama.yaml'), 'utf8')
  expect(yaml).toContain('kind: NIMService')
  expect(yaml).not.toContain(key)
})

const cache = () => join(directory, 'cache')

it.each([
  { kind: 'MirrorResult', args: () => ['mirror', image, '--to', `${registry}/json`] },
  { kind: 'MirrorPlan', args: () => ['mirror', image, '--to', `${registry}/json`, '--dry-run'] },
  { kind: 'ProfileListing', args: () => ['profiles', image, '--tp', '1'] },
  { kind: 'CachePlan', args: () => ['cache', image, cache(), '--tp', '1', '--dry-run'] },
  {
    kind: 'CacheResult',
    args: () => ['cache', image, cache(), '--engine', 'vllm', '--tp', '1', '--no-lora', ...containerFlags.split(' ')],
  },
  { kind: 'TransferPlan', args: () => ['upload', cache(), `${store}-json`, '--dry-run'] },
  { kind: 'UploadResult', args: () => ['upload', cache(), `${store}-json`] },
  { kind: 'StoreListing', args: () => ['list', store] },
  { kind: 'CheckReport', args: () => ['validate', 'store', store] },
  { kind: 'CheckReport', args: () => ['validate', 'cache', cache(), '--deep'] },
  { kind: 'DownloadPlan', args: () => ['download', store, join(directory, 'again'), '--dry-run'] },
  { kind: 'DownloadResult', args: () => ['download', store, join(directory, 'again')] },
  {
    kind: 'EmitResult',
    args: () => ['emit', 'nimcache', 'llama', '--cache', store, '--loader-image', 'r.internal/n:1'],
  },
  { kind: 'DoctorReport', args: () => ['doctor', store] },
  { kind: 'Version', args: () => ['version'] },
  { kind: 'Error', args: () => ['download', 's3://no-such-bucket', join(directory, 'again')] },
])('docs/json.md has every field of $kind', async ({ kind, args }) => {
  const document = (await nimctl([...args(), '--json'], { env })).json()
  expect(document).toMatchObject({ formatVersion: 1, kind })
  const described = section(readPage('docs/json.md'), `## ${kind}`)
  const words = new Set([...described.matchAll(/[\w-]+/g)].map(([word]) => word))
  expect([...fieldsOf(document)].filter(field => !words.has(field))).toEqual([])
})

/** What stands in these is somebody else's. */
const foreign = new Set(['tags', 'objects'])

function fieldsOf(value: unknown): Set<string> {
  if (Array.isArray(value)) return new Set(value.flatMap(each => [...fieldsOf(each)]))
  if (typeof value !== 'object' || value === null) return new Set()
  return new Set(
    Object.entries(value).flatMap(([name, inner]) => [name, ...(foreign.has(name) ? [] : fieldsOf(inner))]),
  )
}

/** The test's registry speaks HTTP; a reader's does not, so the session has no flag for it. */
async function trustRegistry(): Promise<void> {
  const folder = join(directory, '.config/containers')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'registries.conf'), `[[registry]]\nlocation = "${registry}"\ninsecure = true\n`)
}
