import { describe, expect, it } from 'vitest'

import { checkObjects } from '../../src/operator/check-objects.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import { aBuild, aCache, aPipeline, aService } from './objects.ts'

function core(kind: string, name: string, rest: object = {}): KubernetesObject {
  const apiVersion = { Job: 'batch/v1', Deployment: 'apps/v1' }[kind] ?? 'v1'
  return { apiVersion, kind, metadata: { name }, ...rest }
}

const manifest = (text: string) => core('ConfigMap', 'llama-manifest', { data: { 'model_manifest.yaml': text } })
const v1 = manifest('schema_version: "1.1"\na: {tags: {trtllm_buildable: true, tp: 8}}\nb: {tags: {tp: 1}}\n')
const v2 = manifest('schema_version: "2.0"\nprofiles: [{id: a, tags: {trtllm_buildable: "true"}}, {id: b}]\n')

it('has nothing to say of a cache, a service on it, a pipeline beside and their ConfigMap', () => {
  expect(said(aCache(), aService(), aPipeline(), v1, core('Secret', 'ngc'))).toEqual([])
})

describe('names', () => {
  it.each<[string, KubernetesObject[]]>([
    ['1 fails object-repeated metadata.name', [aService(), aService()]],
    ['0 fails name-taken metadata.name', [aCache(), core('Job', 'llama-job')]],
    ['0 fails name-taken metadata.name', [aCache(), core('Pod', 'llama-pod')]],
    ['1 warning name-taken metadata.name', [core('PersistentVolumeClaim', 'llama-pvc'), aCache()]],
    ['0 fails name-taken metadata.name', [aService(), core('Deployment', 'llama')]],
    ['0 fails name-taken metadata.name', [aService(), core('Service', 'llama')]],
    [
      '0 fails name-taken metadata.name',
      [aBuild({ 'spec.nimCache.name': 'x' }), core('Pod', 'llama-build-engine-build-pod')],
    ],
    ['1 fails pipeline-service-taken spec.services[0].name', [aService({ 'metadata.name': 'llm' }), aPipeline()]],
    ['1 fails pipeline-service-taken spec.services[0].name', [aPipeline(), aPipeline({ 'metadata.name': 'other' })]],
  ])('%s', (finding, objects) => {
    expect(said(...objects)).toEqual([finding])
  })

  it('are told apart by namespace, kind and claim', () => {
    expect(said(aService(), aService({ 'metadata.namespace': 'other', 'spec.storage': { emptyDir: {} } }))).toEqual([])
    expect(said(aCache(), core('ConfigMap', 'llama-job'))).toEqual([])
    expect(said(aCache({ 'spec.storage.pvc': { name: 'mine' } }), core('PersistentVolumeClaim', 'mine'))).toEqual([])
  })

  it('may not be made twice', () => {
    const claim = { create: true, name: 'llama-pvc', size: '1Gi', volumeAccessMode: 'ReadWriteMany' }
    expect(said(aCache(), aService({ 'spec.storage': { pvc: claim } }))).toEqual(['1 fails name-taken metadata.name'])
  })
})

describe('a NIMService on a NIMCache', () => {
  it.each<[string, KubernetesObject, KubernetesObject]>([
    [
      '1 fails profile-not-cached spec.storage.nimCache.profile',
      aCache(),
      aService({ 'spec.storage.nimCache.profile': 'c' }),
    ],
    [
      '1 fails no-gpu-from-all spec.resources',
      aCache({ 'spec.source.ngc.model.profiles': ['all'] }),
      aService({ 'spec.resources': undefined }),
    ],
    [
      '1 warning one-node-cache spec.storage.nimCache.name',
      aCache({ 'spec.storage.pvc.volumeAccessMode': 'ReadWriteOnce' }),
      aService({ 'spec.replicas': 2 }),
    ],
    [
      '1 fails cache-in-other-namespace spec.storage.nimCache.name',
      aCache({ 'metadata.namespace': 'models' }),
      aService({ 'metadata.namespace': 'apps' }),
    ],
    [
      '1 fails profile-not-cached spec.services[0].spec.storage.nimCache.profile',
      aCache(),
      aPipeline({ 'spec.services.0.spec.storage.nimCache.profile': 'c' }),
    ],
  ])('%s', (finding, cache, service) => {
    expect(said(cache, service)).toEqual([finding])
  })

  it('may take any profile of all, and a cache that is not in the file', () => {
    expect(said(aCache({ 'spec.source.ngc.model.profiles': ['all'] }), aService())).toEqual([])
    expect(said(aService({ 'spec.storage.nimCache.name': 'elsewhere' }))).toEqual([])
  })
})

describe('the model manifest of a NIMCache', () => {
  it.each([
    ['version 1', v1],
    ['version 2', v2],
  ])('of %s has the profiles that are named, as the operator does not look', (_, configMap) => {
    const cache = aCache({ 'spec.source.ngc.model.profiles': ['a', 'c'] })
    expect(said(cache, configMap)).toEqual(['0 fails profile-not-in-manifest spec.source.ngc.model.profiles[1]'])
    expect(said(aCache(), configMap)).toEqual([])
  })

  it.each(['', '- a', '{', 'text'])('can be read, not %j', text => {
    expect(said(aCache(), manifest(text))).toEqual(['1 fails manifest-unreadable data["model_manifest.yaml"]'])
  })
})

it.each<[string, KubernetesObject]>([
  ['1 fails pull-secret-type spec.source.ngc.pullSecret', aCache({ 'spec.source.ngc.pullSecret': 'registry' })],
  ['1 fails pull-secret-type spec.image.pullSecrets[0]', aService({ 'spec.image.pullSecrets': ['registry'] })],
])('%s', (finding, object) => {
  expect(said(core('Secret', 'registry', { type: 'Opaque' }), object)).toEqual([finding])
  expect(said(core('Secret', 'registry', { type: 'kubernetes.io/dockerconfigjson' }), object)).toEqual([])
})

describe('a NIMBuild with its NIMCache', () => {
  const stage = '1 warning build-own-stage '
  const gpu = { 'nvidia.com/gpu': 1 }
  const hf = {
    endpoint: 'https://h',
    namespace: 'n',
    authSecret: 'a',
    pullSecret: 'b',
    modelPuller: 'r/i:1',
    modelName: 'm',
  }
  it.each<[string, KubernetesObject[]]>([
    ['1 fails build-needs-ngc spec.nimCache.name', [aCache({ 'spec.source': { hf } }), aBuild()]],
    [
      '1 fails build-needs-named-profiles spec.nimCache.name',
      [aCache({ 'spec.source.ngc.model.profiles': ['all'] }), aBuild({ 'spec.nimCache.profile': undefined })],
    ],
    ['1 warning build-image-differs spec.image', [aCache(), aBuild({ 'spec.image.tag': '2.0' })]],
    ['1 fails build-profile-not-cached spec.nimCache.profile', [aCache(), aBuild({ 'spec.nimCache.profile': 'c' })]],
    [
      '1 fails build-profile-not-buildable spec.nimCache.profile',
      [aCache(), aBuild({ 'spec.nimCache.profile': 'b' }), v1],
    ],
    [
      '1 fails build-gpus spec.resources.requests["nvidia.com/gpu"]',
      [aCache(), aBuild({ 'spec.resources': { limits: gpu, requests: gpu } }), v1],
    ],
    ['1 fails build-gpus spec.resources.requests["nvidia.com/gpu"]', [aCache(), aBuild(), v2]],
  ])('%s', (finding, objects) => {
    expect(said(...objects)).toEqual([stage, finding])
  })

  it('is right with the one buildable profile, in a stage of its own', () => {
    expect(said(aCache(), aBuild({ 'spec.nimCache.profile': undefined }), v1)).toEqual([stage])
    expect(said(aBuild())).toEqual([])
  })
})

function said(...objects: KubernetesObject[]): string[] {
  return checkObjects(objects, 'main').map(({ index, severity, rule, path }) => `${index} ${severity} ${rule} ${path}`)
}
