import { readdir, readFile, stat, writeFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

import { type BarePlace, openBarePlace } from './bare-place.ts'
import { type Failure, mistakesOf } from './failures.ts'

let place: BarePlace
const loaderImage = 'registry.internal/nimctl:1'
const flags = ['--loader-image', loaderImage, '--image-registry', 'registry.internal', '--region', 'eu', '--quiet']
const emit = (...more: string[]) => {
  const cache = ['--cache', place.url, '--store-url', 's3://models/llama']
  return ['emit', 'stack', 'llama', ...cache, ...flags, ...more]
}

beforeAll(async () => {
  place = await openBarePlace()
})
afterAll(() => place.remove())

it('--write DIR/ makes a file for each object, and a kustomization with what must be there first', async () => {
  const outcome = await place.run(emit('--write', `${place.path('out')}/`, '--json'))
  const files = ['configmap-llama-manifest.yaml', 'nimcache-llama.yaml', 'nimservice-llama.yaml']
  expect(outcome.json()).toMatchObject({ path: `${place.path('out')}/`, files: [...files, 'kustomization.yaml'] })
  expect((await readdir(place.path('out'))).toSorted()).toEqual([...files, 'kustomization.yaml'].toSorted())
  const kustomization = await readFile(place.path('out/kustomization.yaml'), 'utf8')
  expect(parse(kustomization)).toMatchObject({ kind: 'Kustomization', resources: files })
  expect(kustomization).toContain('# - Secret llama-store')
  const service = await readFile(place.path('out/nimservice-llama.yaml'), 'utf8')
  expect(parseAllDocuments(service).map(document => document.toJS()?.kind)).toEqual(['NIMService'])
  expect(service).not.toContain('Secret llama-store')
})

it('--write to a directory that is there says what it wrote', async () => {
  const { stdout } = await place.run(emit('--write', place.path('out'), '-o', 'json'))
  expect(stdout).toContain('nimcache-llama.json, nimservice-llama.json, kustomization.yaml')
  expect(JSON.parse(await readFile(place.path('out/nimcache-llama.json'), 'utf8'))).toMatchObject({
    kind: 'List',
    items: [{ kind: 'NIMCache' }],
  })
})

it('--images lists what is to be mirrored, one a line, as mirror --from-file - takes it', async () => {
  const images = [loaderImage, 'nvcr.test/nim/meta/test-model:1.0.0']
  expect(await place.run(emit('--images'))).toMatchObject({ exitCode: 0, stdout: `${images.join('\n')}\n` })
  expect((await place.run(emit('--images', '--json'))).json()).toMatchObject({ ok: true, images })
})

it('--patch and --set change what is written', async () => {
  await writeFile(place.path('patch.yaml'), 'kind: NIMService\nmetadata: {name: llama}\nspec: {replicas: 2}\n')
  const changed = emit('--patch', place.path('patch.yaml'), '--set', 'NIMService:spec.expose.service.port=9000')
  const { objects } = (await place.run([...changed, '--json'])).json() as { objects: object[] }
  expect(objects[2]).toMatchObject({ kind: 'NIMService', spec: { replicas: 2, expose: { service: { port: 9000 } } } })
})

describe('refuses, and writes nothing', () => {
  it.each<{ args: string[]; code: string; says: string[]; category?: Failure['category'] }>([
    { args: ['--set', 'spec'], code: 'ASSIGNMENT_INVALID', says: ['--set spec'] },
    { args: ['--set', 'NIMService:spec.replicaz=1'], code: 'OBJECT_INVALID', says: ['spec.replicaz'] },
    {
      args: ['--patch', 'no-such-file.yaml'],
      category: 'not-found',
      code: 'PATH_NOT_FOUND',
      says: ['no-such-file'],
    },
    { args: ['--image-digests', 'package.json'], code: 'MIRROR_RESULT_INVALID', says: ['nimctl mirror'] },
    { args: ['--loader', 'init', '--operator-version', '3.0.2'], code: 'OPERATOR_TOO_OLD', says: ['--loader job'] },
    { args: ['--store-endpoint-url', 'nowhere'], code: 'ENDPOINT_URL_INVALID', says: ['--store-endpoint-url'] },
    { args: ['--loader-ttl', '10m'], code: 'LOADER_FLAGS_IDLE', says: ['--loader-ttl', '--loader job'] },
    { args: ['--loader-cpu', 'much'], code: 'USAGE', says: ['quantity'] },
  ])('$args', async ({ args, code, says, category = 'usage' }) => {
    const file = place.path('refused.yaml')
    const run = (all: readonly string[]) => place.run(all)
    expect(await mistakesOf(run, emit(...args, '--write', file), { category, code, says })).toEqual([])
    await expect(stat(file)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
