import { afterAll, beforeAll, expect, it } from 'vitest'

import { type Certificates, makeCertificates } from '../servers/certificates.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import {
  managementRoutes,
  model,
  modelRoutes,
  type StandInEndpoint,
  startStandInEndpoint,
} from '../validate/stand-in-endpoint.ts'
import { nimctl } from './nimctl.ts'

const key = 'key-of-a-model-server'
const directory = makeTemporaryDirectory()
const routes = { ...managementRoutes, ...modelRoutes.embeddings }
let certificates: Certificates
let server: StandInEndpoint

beforeAll(async () => {
  certificates = await makeCertificates(directory.path, 'nimctl test authority')
  server = await startStandInEndpoint(routes, { key, tls: certificates })
})

afterAll(async () => {
  await server?.stop()
  directory.remove()
})

const env = { NIMCTL_ENDPOINT_KEY: key }
const ask = (...more: string[]) => ['validate', 'endpoint', server.url, '--retries', '0', ...more]

it('shows the length of an embedding, over TLS with an own CA and a key', async () => {
  const { exitCode, stdout } = await nimctl(ask('--ca-file', certificates.caFile), { env })
  expect(stdout).toContain('✓ endpoint.request: v1/embeddings: a vector of length 1024')
  expect(stdout).toMatch(/passes: 1 model, 1 profile\.$/m)
  expect(exitCode).toBe(0)
})

it('says in the result that certificates were not checked', async () => {
  const outcome = await nimctl(ask('--insecure-skip-tls-verify', '--json'), { env })
  expect(outcome.json()).toMatchObject({ ok: true, summary: { models: [model], insecureTls: true } })
  expect(outcome.stderr).toContain('TLS certificates are not checked')
})

it.each([
  ['another model', 3, ['--model', 'meta/llama'], env, model],
  ['no key', 4, [], {}, 'NIMCTL_ENDPOINT_KEY'],
  ['a key with a line break', 2, [], { NIMCTL_ENDPOINT_KEY: `${key}\nX: y` }, 'NIMCTL_ENDPOINT_KEY'],
])('exits with the code of %s', async (_, exitCode, more, environment, words) => {
  const outcome = await nimctl(ask('--ca-file', certificates.caFile, ...more), { env: environment })
  expect(outcome.exitCode).toBe(exitCode)
  expect(outcome.stdout + outcome.stderr).toContain(words)
  expect(outcome.stdout + outcome.stderr).not.toContain(key)
})

it('exits with 6 where the certificate is not trusted, and names who issued it', async () => {
  const { exitCode, stderr } = await nimctl(ask(), { env })
  expect(exitCode).toBe(6)
  expect(stderr).toContain('nimctl test authority')
})
