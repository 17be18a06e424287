import { describe, expect, it } from 'vitest'

import { emitNimService } from '../../src/emit/nimservice.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { failureOf } from './failure.ts'
import { aHeader, anNgcRequest, aRequest, aServiceRequest, tensorProfile, vllmProfile } from './request.ts'

function serviceOf(changes: Parameters<typeof aServiceRequest>[0]) {
  return emitNimService(aServiceRequest(changes)).objects[0]
}

it('stands on the NIMCache, pinned, without a key, with GPUs in both maps', () => {
  expect(serviceOf({ pullSecret: 'registry' })).toEqual({
    apiVersion: 'apps.nvidia.com/v1alpha1',
    kind: 'NIMService',
    metadata: { name: 'llama-3-2-1b-instruct', namespace: 'nim-service' },
    spec: {
      image: {
        repository: 'registry.internal:5000/mirror/nim/meta/llama-3.2-1b-instruct',
        tag: '1.12.0',
        pullPolicy: 'IfNotPresent',
        pullSecrets: ['registry'],
      },
      authSecret: 'unused-airgap',
      env: [
        { name: 'NGC_API_KEY', value: '' },
        { name: 'HF_HUB_OFFLINE', value: '1' },
        { name: 'TRANSFORMERS_OFFLINE', value: '1' },
        { name: 'DO_NOT_TRACK', value: '1' },
      ],
      storage: { nimCache: { name: 'llama-3-2-1b-instruct', profile: tensorProfile.id } },
      replicas: 1,
      resources: { limits: { 'nvidia.com/gpu': 4 }, requests: { 'nvidia.com/gpu': 4 } },
      expose: { service: { type: 'ClusterIP', port: 8000 } },
    },
  })
})

it('is the same on both layouts', () => {
  const ofCache = emitStack(aRequest()).objects.at(-1)
  const ofNgc = emitStack(anNgcRequest()).objects.at(-1)
  expect(ofNgc).toEqual(ofCache)
})

it('has no authSecret and no empty key on main', () => {
  const spec = JSON.stringify(serviceOf({ operatorVersion: 'main' }))
  expect(spec).not.toContain('authSecret')
  expect(spec).not.toContain('NGC_API_KEY')
})

it('on an existing claim pins the profile itself', () => {
  expect(serviceOf({ files: { from: 'claim', claim: { create: false, name: 'models' } } })).toMatchObject({
    spec: {
      env: expect.arrayContaining([{ name: 'NIM_MODEL_PROFILE', value: tensorProfile.id }]),
      storage: { pvc: { create: false, name: 'models' } },
    },
  })
})

describe('the profile', () => {
  const header = aHeader({ profiles: [tensorProfile, vllmProfile, { ...vllmProfile, id: `1234${'a'.repeat(60)}` }] })

  it.each([
    ['an id', vllmProfile.id, vllmProfile.id],
    ['a beginning', '0f3d', tensorProfile.id],
    ['a description', 'tensorrt_llm-l40s-bf16-tp2-pp2-throughput', tensorProfile.id],
  ])('is chosen by %s', (_, profile, id) => {
    expect(serviceOf({ header, profile })).toMatchObject({ spec: { storage: { nimCache: { profile: id } } } })
  })

  it.each([
    ['nothing', undefined, 'usage', 'PROFILE_REQUIRED'],
    ['a common beginning', '1234', 'usage', 'PROFILE_AMBIGUOUS'],
    ['an unknown id', '1235', 'not-found', 'PROFILE_UNKNOWN'],
    ['an empty text', '', 'not-found', 'PROFILE_UNKNOWN'],
  ])('is not chosen by %s: the candidates are listed', (_, profile, category, code) => {
    const failure = failureOf(() => serviceOf({ header, ...(profile !== undefined && { profile }) }))
    expect(failure).toMatchObject({ category, code })
    expect(failure.why).toContain(vllmProfile.id)
  })
})

it('warns of replicas that can share no claim', () => {
  const warningsOf = (accessMode: string) =>
    emitStack(aRequest({ serving: { replicas: 2, port: 8000 }, volume: { accessMode } })).warnings
  expect(warningsOf('ReadWriteMany')).toEqual([])
  expect(warningsOf('ReadWriteOnce')).toEqual([expect.stringContaining('ReadWriteMany')])
})
