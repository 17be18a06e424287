import { describe, expect, it } from 'vitest'

import {
  checkNamespace,
  checkNimCacheName,
  checkNimServiceName,
  checkReferredName,
  namesOfNimCache,
} from '../../src/operator/names.ts'
import { failureOf } from '../emit/failure.ts'

describe('a NIMService', () => {
  it.each(['llama-3-1-8b-instruct', 'a', 'a'.repeat(63)])('may be called %s', name => {
    expect(() => checkNimServiceName(name)).not.toThrow()
  })

  it.each([
    ['llama-3.1-8b-instruct', 'llama-3-1-8b-instruct'],
    ['Llama', 'llama'],
    ['3-llama', 'llama'],
    ['llama-', 'llama'],
    ['a'.repeat(64), 'a'.repeat(63)],
    ['nim-cache-sa', 'nim-cache-sa-1'],
  ])('may not be called %s, but %s', (name, instead) => {
    const failure = failureOf(() => checkNimServiceName(name))
    expect(failure).toMatchObject({ category: 'usage', code: 'NAME_INVALID', next: `Use for example: ${instead}` })
  })
})

it('a NIMCache may have dots, and room for its Job', () => {
  expect(() => checkNimCacheName('llama-3.1')).not.toThrow()
  expect(() => checkNimCacheName('a'.repeat(59))).not.toThrow()
  expect(failureOf(() => checkNimCacheName('a'.repeat(60))).code).toBe('NAME_INVALID')
  expect(failureOf(() => checkNimCacheName('a..b')).code).toBe('NAME_INVALID')
})

it('a namespace has no dots, a Secret may', () => {
  expect(() => checkNamespace('nim-service')).not.toThrow()
  expect(failureOf(() => checkNamespace('nim.service')).code).toBe('NAME_INVALID')
  expect(() => checkReferredName('Secret', 'store.s3')).not.toThrow()
  expect(failureOf(() => checkReferredName('Secret', 'Store_S3')).next).toBe('Use for example: store-s3')
})

it('what the operator makes of a NIMCache has names of its own', () => {
  const names = namesOfNimCache('llama')
  expect(names).toEqual({
    persistentVolumeClaim: 'llama-pvc',
    job: 'llama-job',
    manifestPod: 'llama-pod',
    manifestConfigMap: 'llama-manifest',
  })
})
