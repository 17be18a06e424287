import { describe, expect, it } from 'vitest'

import { operatorApi, type NimCache, type NimService } from '../../src/operator/objects.ts'
import { checkNimCache, checkNimService } from '../../src/operator/rules.ts'

type CacheSpec = NimCache['spec']
type ServiceSpec = NimService['spec']

const cacheSpec: CacheSpec = {
  source: { ngc: { modelPuller: 'r/nimctl:1', authSecret: 'store', model: { profiles: ['a'] } } },
  env: [],
  storage: { pvc: { create: true, size: '50Gi', volumeAccessMode: 'ReadWriteMany' } },
  nodeSelector: {},
}

const serviceSpec: ServiceSpec = {
  image: { repository: 'r/nim', tag: '1.0', pullPolicy: 'IfNotPresent' },
  authSecret: 'unused',
  env: [],
  storage: { nimCache: { name: 'llama', profile: 'a' } },
  replicas: 1,
  resources: { limits: { 'nvidia.com/gpu': 1 }, requests: { 'nvidia.com/gpu': 1 } },
  expose: { service: { type: 'ClusterIP', port: 8000 } },
}

function pathsOfCache(changes: Partial<CacheSpec>): string[] {
  const spec = { ...cacheSpec, ...changes }
  const findings = checkNimCache({ apiVersion: operatorApi, kind: 'NIMCache', metadata: { name: 'llama' }, spec })
  return findings.map(({ path }) => path.replace('nimcache.spec.', ''))
}

function pathsOfService(changes: Partial<ServiceSpec>, version: '3.0.2' | '3.1.2' | 'main' = '3.1.2'): string[] {
  const spec = { ...serviceSpec, ...changes }
  const object: NimService = { apiVersion: operatorApi, kind: 'NIMService', metadata: { name: 'llama' }, spec }
  return checkNimService(object, version).map(({ path }) => path.replace('nimservice.spec.', ''))
}

function ngc(changes: Partial<CacheSpec['source']['ngc']>): Partial<CacheSpec> {
  return { source: { ngc: { ...cacheSpec.source.ngc, ...changes } } }
}

describe('NIMCache', () => {
  const claim = cacheSpec.storage.pvc
  it.each<[string, Partial<CacheSpec>, string[]]>([
    ['is right', {}, []],
    ['has no authSecret', ngc({ authSecret: '' }), ['source.ngc.authSecret']],
    ['has no modelPuller', ngc({ modelPuller: '' }), ['source.ngc.modelPuller']],
    ['wants all and one', ngc({ model: { profiles: ['all', 'a'] } }), ['source.ngc.model.profiles']],
    ['wants none', ngc({ model: { profiles: [] } }), ['source.ngc.model.profiles']],
    ['names no existing claim', { storage: { pvc: { create: false } } }, ['storage.pvc.name']],
    [
      'creates a claim of nothing',
      { storage: { pvc: { create: true } } },
      ['storage.pvc.size', 'storage.pvc.volumeAccessMode'],
    ],
    ['has a size that is none', { storage: { pvc: { ...claim, size: '50 GB' } } }, ['storage.pvc.size']],
    [
      'has a short access mode',
      { storage: { pvc: { ...claim, volumeAccessMode: 'RWX' } } },
      ['storage.pvc.volumeAccessMode'],
    ],
  ])('that %s', (_, changes, expected) => {
    expect(pathsOfCache(changes)).toEqual(expected)
  })
})

describe('NIMService', () => {
  it.each<[string, Partial<ServiceSpec>, string[]]>([
    ['is right', {}, []],
    ['has no image', { image: { repository: '', tag: '', pullPolicy: 'Always' } }, ['image.repository', 'image.tag']],
    ['has no authSecret', { authSecret: '' }, ['authSecret']],
    ['has no storage', { storage: {} }, ['storage']],
    [
      'has two storages',
      { storage: { nimCache: { name: 'a', profile: 'b' }, pvc: { create: false, name: 'c' } } },
      ['storage'],
    ],
    [
      'names a profile without a cache',
      { storage: { nimCache: { name: '', profile: 'a' } } },
      ['storage.nimCache.name'],
    ],
    ['has half a pod', { replicas: 1.5 }, ['replicas']],
    ['has GPUs in one map', { resources: { limits: { 'nvidia.com/gpu': 1 }, requests: {} } }, ['resources']],
    ['listens nowhere', { expose: { service: { type: 'ClusterIP', port: 0 } } }, ['expose.service.port']],
  ])('that %s', (_, changes, expected) => {
    expect(pathsOfService(changes)).toEqual(expected)
  })

  it('by version: authSecret up to 3.1.2, replicas 0 from 3.1.0', () => {
    expect(pathsOfService({ authSecret: '' }, 'main')).toEqual([])
    expect(pathsOfService({ replicas: 0 }, '3.0.2')).toEqual(['replicas'])
    expect(pathsOfService({ replicas: 0 }, '3.1.2')).toEqual([])
  })
})
