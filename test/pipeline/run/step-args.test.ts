import { expect, it } from 'vitest'

import {
  cacheArgs,
  choiceArgs,
  emitArgs,
  mirrorArgs,
  uploadArgs,
  uploadGroups,
  validateArgs,
} from '../../../src/pipeline/run/step-args.ts'
import { aPlace } from './fixtures.ts'

const image = { reference: 'r/llama:1', digest: `sha256:${'a'.repeat(64)}` }

it('mirrors where the file says', () => {
  const mirror = { to: 'registry.internal:5000', platform: 'linux/amd64', withSignatures: true, destTlsVerify: false }
  expect(mirrorArgs('r/llama:1', mirror).join(' ')).toBe(
    'mirror r/llama:1 --to registry.internal:5000 --platform linux/amd64 --no-dest-tls-verify --with-signatures',
  )
  expect(mirrorArgs('r/llama:1', { to: 'oci:images', withSignatures: false, srcTlsVerify: true })).toEqual([
    'mirror',
    'r/llama:1',
    '--to',
    'oci:images',
  ])
})

it.each([
  [{ ids: ['0494', 'f00d'] }, {}, '--profile 0494 --profile f00d'],
  [{ all: true }, {}, '--all'],
  [{ gpu: ['L40S', 'H100'], tp: 2, lora: false }, {}, '--gpu L40S --gpu H100 --tp 2 --no-lora'],
  [{ section: ['runnable', 'low-memory'] }, {}, '--section runnable,low-memory'],
  [{ ids: ['0494'] }, { flat: true }, '--profile 0494 --flat'],
  [undefined, { modelName: ['a', 'b'] }, '--model-name a --model-name b'],
  [undefined, { modelUri: 'hf://a/b' }, '--model-uri hf://a/b'],
])('chooses %j with %j', (profiles, cache, expected) => {
  expect(choiceArgs({ profiles, cache }).join(' ')).toBe(expected)
})

it('fills a cache as the file says, with the values of variables on no command line', () => {
  const cache = { gpus: 'none', network: 'host', env: { A: 'b c', N: 1 }, shmSize: '16Gi' }
  expect(cacheArgs('r/llama:1', 'caches/llama', { cache, choice: ['--all'] })).toEqual([
    'cache',
    'r/llama:1',
    'caches/llama',
    '--all',
    '--gpus',
    'none',
    '--shm-size',
    '16Gi',
    '--network',
    'host',
    '--env',
    'A',
    '--env',
    'N',
  ])
})

it('uploads to all destinations of one kind at once, so that each byte is read once', () => {
  const places = [
    aPlace({ store: 'a' }),
    aPlace({ store: 'b', layout: 'tar', require: 'parts', delete: true }),
    aPlace({ store: 'c' }),
  ]
  expect(uploadGroups(places).map(group => uploadArgs('caches/llama', group).join(' '))).toEqual([
    'upload caches/llama @a/llama @c/llama',
    'upload caches/llama @b/llama --layout tar --require parts --delete',
  ])
})

it('names the image where several share a bucket', () => {
  expect(validateArgs(aPlace({ store: 'a' }), image)).toEqual(['validate', 'store', '@a/llama'])
  expect(validateArgs(aPlace({ store: 'a', layout: 'ngc' }), image).slice(-2)).toEqual([
    '--image',
    `${image.reference}@${image.digest}`,
  ])
})

it('writes objects with the flags of the file', () => {
  const model = { name: 'llama', image: 'r/llama:1' }
  const emit = { kind: 'stack', write: 'llama.yaml', flags: { replicas: 2, online: true, set: ['a=b', 'c=d'] } }
  expect(emitArgs(emit, { model, from: aPlace({ store: 'a' }), image }).join(' ')).toBe(
    'emit stack llama --cache @a/llama --replicas 2 --online --set a=b --set c=d --write llama.yaml',
  )
})
