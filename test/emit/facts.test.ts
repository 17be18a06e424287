import { describe, expect, it } from 'vitest'

import { sizeWithHeadroom } from '../../src/emit/claim.ts'
import { gpuCount } from '../../src/emit/gpu-count.ts'
import { nimImage } from '../../src/emit/nim-image.ts'
import { offlineEnvironment } from '../../src/emit/offline-env.ts'
import { failureOf } from './failure.ts'

it.each([
  [{ tp: '8' }, 8],
  [{ tp: '4', pp: '2' }, 8],
  [{ tensorParallelism: '2', tp: '1' }, 2],
  [{ number_of_gpus: '3' }, 3],
  [{ pp: '2' }, 1],
  [{ tp: 'many' }, 1],
  [{ tp: '0' }, 1],
  [{}, 1],
])('tags %j want %i GPUs', (tags, expected) => {
  expect(gpuCount({ tags })).toBe(expected)
})

it.each([
  [0, '1Gi'],
  [1, '2Gi'],
  [10 * 1024 ** 3, '13Gi'],
])('%i bytes get a claim of %s', (bytes, expected) => {
  expect(sizeWithHeadroom(bytes)).toBe(expected)
})

describe('the image', () => {
  const hex = 'ab'.repeat(32)
  const image = (name: string, imageRegistry?: string) =>
    nimImage(name, imageRegistry === undefined ? {} : { imageRegistry })

  it.each([
    ['nvcr.io/nim/meta/llama:1.8.4', 'r:5000', 'r:5000/nim/meta/llama:1.8.4'],
    ['nvcr.io/nim/meta/llama:1.8.4', 'r:5000/mirror/', 'r:5000/mirror/nim/meta/llama:1.8.4'],
    [`nvcr.io/nim/llama:1@sha256:${hex}`, 'r', 'r/nim/llama:1'],
    [`nvcr.io/nim/llama@sha256:${hex}`, 'r', `r/nim/llama@sha256:${hex}`],
    ['nvcr.io/nim/llama', 'r', 'r/nim/llama:latest'],
    ['localhost/nim/llama:1', 'r', 'r/nim/llama:1'],
    ['127.0.0.1:5000/nim/llama:1', 'r', 'r/nim/llama:1'],
    ['nim/llama:1', 'r', 'r/nim/llama:1'],
    ['docker-daemon:nim/llama:1', 'r', 'r/nim/llama:1'],
    ['docker://nvcr.io/nim/llama:1', 'r', 'r/nim/llama:1'],
    ['registry.internal/nim/llama:1', undefined, 'registry.internal/nim/llama:1'],
  ])('%s at %s is %s', (name, registry, expected) => {
    const { reference, repository, tag, warnings } = image(name, registry)
    expect(reference).toBe(expected)
    expect(`${repository}:${tag}`).toBe(expected)
    expect(warnings).toEqual([])
  })

  it.each(['nvcr.io/nim/llama:1', 'nim/llama:1'])('%s is out of reach without --image-registry', name => {
    expect(image(name).warnings).toEqual([expect.stringContaining('--image-registry')])
  })

  it('must be known, and of a registry', () => {
    expect(failureOf(() => nimImage(undefined, {})).code).toBe('IMAGE_UNKNOWN')
    expect(failureOf(() => image('oci:/srv/nim:1.0')).code).toBe('IMAGE_UNKNOWN')
  })
})

it('each family gets what is documented for it', () => {
  const namesOf = (family: string | undefined) => offlineEnvironment(family, 'main').map(({ name }) => name)
  expect(namesOf('llm')).toEqual(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'DO_NOT_TRACK'])
  expect(namesOf('nimlib')).toEqual(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE', 'NIM_IGNORE_MODEL_DOWNLOAD_FAIL'])
  expect(namesOf(undefined)).toEqual(['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'])
})
