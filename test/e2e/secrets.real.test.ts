import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { watchCommandLines } from '../fixtures/containers.ts'
import { aws } from '../servers/aws-cli.ts'
import { startRegistry, type Registry } from '../servers/registry.ts'
import { dockerCli } from '../system/busybox-image.ts'
import { choices, openWorkplace, toStandInNgc, type Workplace } from './workplace.ts'

/** Not of the form nvapi-…, which would be recognised wherever it stands: only who knows it can hide it. */
const ngcKey = `an-old-key-that-nobody-may-see-${process.pid}`
const password = `a-password-that-nobody-may-see-${process.pid}`
const image = 'nvcr.stand-in.test/nim/meta/llama-that-prints-its-key:1.1.2'
const url = `s3://models/secrets-${process.pid}/`
const profile = choices[0]?.profiles[0]?.id ?? ''

let place: Workplace
let registry: Registry
let secrets: string[]
/** All that nimctl printed, and all arguments of all processes meanwhile. */
const said: string[] = []
const seen = new Set<string>()

beforeAll(async () => {
  place = await openWorkplace({ keys: [], legacyKeys: [ngcKey] })
  registry = await startRegistry({ htpasswd: { user: 'me', password } })
  place.env.NGC_API_KEY = ngcKey
  secrets = [ngcKey, password, place.env.AWS_SECRET_ACCESS_KEY ?? '']
  secrets.push(...secrets.map(text => Buffer.from(text).toString('base64')))
  secrets.push(Buffer.from(`me:${password}`).toString('base64'))
  await buildTalkativeImage()
})
afterAll(async () => {
  await registry.stop()
  await place.close()
})

async function run(args: string[], env: Record<string, string> = {}) {
  const { finished, seen: lines } = await watchCommandLines(place.run(args, env))
  said.push(finished.stdout, finished.stderr)
  for (const line of lines) seen.add(line)
  return finished
}

const fill = (directory: string) => ['cache', image, directory, '--profile', profile, ...toStandInNgc]

it('does the work: registry with a password, NGC with a key, store with credentials', async () => {
  const credentials = { NIMCTL_REGISTRY_USERNAME: 'me', NIMCTL_REGISTRY_PASSWORD: password }
  const mirror = ['mirror', `docker-daemon:${image}`, '--to', registry.host, '--no-dest-tls-verify', '--verbose']
  expect(await run(mirror, credentials)).toMatchObject({ exitCode: 0 })

  const filled = await run([...fill('cache'), '--verbose'])
  expect(filled).toMatchObject({ exitCode: 0 })
  expect(filled.stderr).toContain('using NGC_API_KEY=**redacted**')
  const again = await run([...fill('cache'), '--progress', 'json', '--json'])
  expect(again).toMatchObject({ exitCode: 0 })
  expect(again.stderr).toContain('done with **redacted**')
  expect(await run(['profiles', image, '--on', 'docker', ...toStandInNgc, '--verbose'])).toMatchObject({ exitCode: 0 })

  expect(await run(['upload', 'cache', url, '--verbose'])).toMatchObject({ exitCode: 0 })
  expect(await run(['validate', 'store', url, '--verbose', '--json'])).toMatchObject({ exitCode: 0 })
  expect(await run(['download', url, 'back', '--verbose'])).toMatchObject({ exitCode: 0 })
  const emit = ['emit', 'stack', 'llama', '--cache', url, '--loader-image', 'r.internal/nimctl:1', '--profile', profile]
  expect(await run([...emit, '--write', 'stack.yaml'])).toMatchObject({ exitCode: 0 })
  expect(await run([...emit, '-o', 'json'])).toMatchObject({ exitCode: 0 })
  expect(await run(['doctor', url, '--verbose', '--json'])).toMatchObject({ exitCode: 0 })
})

it('fails, and says why', async () => {
  place.ngc.misbehave({ path: 'config.json', fault: { type: 'wrong-bytes' } })
  const broken = await run([...fill('broken'), '--json'])
  place.ngc.behave()
  expect(broken.json()).toMatchObject({
    code: 'CONTAINER_FAILED',
    why: expect.stringContaining('done with **redacted**'),
  })

  const inArgument = ['cache', image, 'broken', '--all', '--env']
  const refused = await place.run([...inArgument, `NGC_API_KEY=${ngcKey}`])
  expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--env NGC_API_KEY\n') })
  said.push(refused.stderr)
  const inUrl = await place.run(['list', `s3://me:${password}@models/`])
  expect(inUrl).toMatchObject({ exitCode: 2 })
  said.push(inUrl.stderr)
  const inEndpoint = await place.run(['list', 's3://models/', '--endpoint-url', `http://me:${password}@127.0.0.1:1`])
  expect(inEndpoint.exitCode).toBeGreaterThan(0)
  said.push(inEndpoint.stderr)
})

it('shows no secret in what it prints', () => {
  expect(said.join('\n').length).toBeGreaterThan(5_000)
  expect(secretsIn(said.join('\n'))).toEqual([])
})

it('puts no secret into an argument, of its own or of what it runs', () => {
  const lines = [...seen].map(line => line.replaceAll('\0', ' '))
  // Else nothing was watched.
  for (const program of ['bin/nimctl.js upload', 'skopeo copy', 'curl -sS']) {
    expect(lines).toContainEqual(expect.stringContaining(program))
  }
  expect(lines.filter(line => secretsIn(line).length > 0)).toEqual([])
})

it('leaves no secret in files: cache, state, temporary directory, YAML, store', async () => {
  const args = ['s3', 'cp', '--recursive', '--no-progress', url, place.path('store')]
  expect(await aws(args, place.env)).toMatchObject({ exitCode: 0 })
  const root = place.path('.')
  const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const names = files.map(({ parentPath, name }) => join(parentPath, name))
  for (const some of ['stack.yaml', '.nimctl/cache.json', 'store/.nimctl/inventory.jsonl']) {
    expect(names).toContainEqual(expect.stringContaining(some))
  }
  const found: string[] = []
  for (const name of names) if (secretsIn(await readFile(name, 'latin1')).length > 0) found.push(name)
  expect(found).toEqual([])
  expect(await readdir(place.path('tmp'))).toEqual([])
})

function secretsIn(text: string): string[] {
  return secrets.filter(secret => text.includes(secret))
}

/** The stand-in, but for a download that prints its key before and after, as careless scripts do. */
async function buildTalkativeImage(): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'nimctl-talkative-'))
  try {
    const script = [
      '#!/bin/sh',
      'echo "using NGC_API_KEY=$NGC_API_KEY"',
      '/usr/local/bin/download-to-cache "$@"',
      'code=$?',
      'echo "done with $NGC_API_KEY" >&2',
      'exit $code',
    ]
    const dockerfile = [
      `FROM ${choices[0]?.image.reference}`,
      'COPY download-to-cache /opt/talkative/',
      'ENV PATH=/opt/talkative:/usr/local/bin:/usr/bin:/bin',
    ]
    await writeFile(join(context, 'download-to-cache'), `${script.join('\n')}\n`, { mode: 0o755 })
    await writeFile(join(context, 'Dockerfile'), dockerfile.join('\n'))
    await dockerCli('build', '--quiet', '--tag', image, context)
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}
