import { describe, expect, it } from 'vitest'

import { emitNimCache, type NimCacheRequest } from '../../src/emit/nimcache/nimcache.ts'
import { emitStack, type StackRequest } from '../../src/emit/stack.ts'
import type { NimCache } from '../../src/operator/objects.ts'
import { failureOf } from './failure.ts'
import { aHeader, anNgcRequest, aRequest, tensorProfile, vllmProfile } from './request.ts'

describe('on layout cache', () => {
  it('is filled by the loader from the store, with its manifest beforehand', () => {
    const inventoryDigest = `sha256:${'0'.repeat(64)}`
    const { objects } = emitNimCache(aRequest({ inventoryDigest, pullSecret: 'registry' }))
    expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`)).toEqual([
      'ConfigMap nim-service/llama-3-2-1b-instruct-manifest',
      'NIMCache nim-service/llama-3-2-1b-instruct',
    ])
    expect(objects[1]).toEqual({
      apiVersion: 'apps.nvidia.com/v1alpha1',
      kind: 'NIMCache',
      metadata: { name: 'llama-3-2-1b-instruct', namespace: 'nim-service' },
      spec: {
        source: {
          ngc: {
            modelPuller: 'registry.internal:5000/nimctl:0.1.0',
            pullSecret: 'registry',
            authSecret: 'llama-3-2-1b-instruct-store',
            model: { profiles: [tensorProfile.id] },
          },
        },
        env: [
          { name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' },
          { name: 'NIMCTL_INVENTORY_DIGEST', value: inventoryDigest },
          { name: 'AWS_REGION', value: 'eu-central-1' },
        ],
        storage: { pvc: { create: true, size: '49Gi', volumeAccessMode: 'ReadWriteMany' } },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
      },
    })
  })

  it('names the store as the cluster does', () => {
    const request = aRequest({
      storeUrl: new URL('s3://inside/llama'),
      endpointUrl: new URL('https://s3.internal:9000/'),
      storeSecret: 'inside-s3',
    })
    expect(specOf(request)).toMatchObject({
      source: { ngc: { authSecret: 'inside-s3' } },
      env: [
        { name: 'NIMCTL_CACHE_URL', value: 's3://inside/llama' },
        { name: 'AWS_REGION', value: 'eu-central-1' },
        { name: 'AWS_ENDPOINT_URL', value: 'https://s3.internal:9000' },
      ],
    })
  })

  it('takes storage, class and node selector as asked', () => {
    const volume = { size: '10Gi', storageClass: 'nfs', accessMode: 'ReadWriteOnce' }
    expect(specOf(aRequest({ volume, nimCacheJob: { nodeSelector: { zone: 'a' } } }))).toMatchObject({
      storage: { pvc: { create: true, size: '10Gi', storageClass: 'nfs', volumeAccessMode: 'ReadWriteOnce' } },
      nodeSelector: { zone: 'a' },
    })
    expect(specOf(aRequest({ volume: { claimName: 'models' } }))).toMatchObject({
      storage: { pvc: { create: false, name: 'models' } },
    })
  })

  it('holds all profiles, and alone only the chosen one', () => {
    const header = aHeader({ profiles: [tensorProfile, vllmProfile] })
    const profile = vllmProfile.id
    const inStack = emitStack(aRequest({ header, profile })).objects.find(({ kind }) => kind === 'NIMCache')
    expect(inStack).toMatchObject({ spec: specOf(aRequest({ header })) })
    expect(profilesOf(aRequest({ header }))).toEqual([tensorProfile.id, vllmProfile.id])
    expect(profilesOf({ ...aRequest({ header }), choice: { profiles: [profile] } })).toEqual([vllmProfile.id])
  })

  it('says what must be there first, without a value of a Secret', () => {
    const { prerequisites } = emitStack(aRequest({ storeSecret: 's3', pullSecret: 'registry' }))
    expect(prerequisites).toEqual([
      'Secret s3: kubectl create secret generic s3 -n nim-service --from-env-file=FILE, where FILE has the lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…',
      'Secret registry of type docker-registry, for the internal registry',
    ])
  })

  it('warns of a store that no pod reaches', () => {
    expect(emitStack(aRequest()).warnings).toEqual([])
    expect(emitStack(aRequest({ cacheUrl: new URL('file:///srv/cache') })).warnings).toEqual([
      expect.stringContaining('file:///srv/cache is a directory of this machine'),
    ])
    expect(
      emitStack(aRequest({ cacheUrl: new URL('file:///srv/cache'), storeUrl: new URL('s3://a/b') })).warnings,
    ).toEqual([])
    expect(emitStack(aRequest({ endpointUrl: new URL('http://127.0.0.1:8333') })).warnings).toEqual([
      expect.stringContaining('--store-endpoint-url'),
    ])
  })
})

it('on layout tar the loader fills it as on layout cache', () => {
  expect(emitStack(aRequest({ header: aHeader({ layout: 'tar', links: 'record' }) }))).toEqual(emitStack(aRequest()))
})

it('on layout ngc the NIM downloads from the bucket', () => {
  const { objects } = emitNimCache(anNgcRequest())
  expect(objects).toEqual([
    {
      apiVersion: 'apps.nvidia.com/v1alpha1',
      kind: 'NIMCache',
      metadata: { name: 'llama-3-2-1b-instruct', namespace: 'nim-service' },
      spec: {
        source: {
          ngc: {
            modelPuller: 'registry.internal:5000/mirror/nim/meta/llama-3.2-1b-instruct:1.12.0',
            authSecret: 'llama-3-2-1b-instruct-store',
            model: { profiles: [tensorProfile.id] },
          },
        },
        env: [
          { name: 'NIM_REPOSITORY_OVERRIDE', value: 's3://nim-bucket/' },
          { name: 'AWS_REGION', value: 'eu-central-1' },
        ],
        storage: { pvc: { create: true, size: '49Gi', volumeAccessMode: 'ReadWriteMany' } },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
      },
    },
  ])
})

describe('refuses', () => {
  const { loaderImage: _, ...withoutLoader } = aRequest()
  const plain = aHeader({ layout: 'plain' })
  it.each<[string, StackRequest, string, string]>([
    ['the override on layout cache', aRequest({ source: 'override' }), 'LAYOUT_MISMATCH', '--loader-image'],
    [
      'the override on layout tar',
      aRequest({ header: aHeader({ layout: 'tar' }), source: 'override' }),
      'LAYOUT_MISMATCH',
      '--loader-image',
    ],
    ['the loader on layout ngc', anNgcRequest({ source: 'loader' }), 'LAYOUT_MISMATCH', 'nimctl emit stack'],
    ['layout plain', aRequest({ header: plain }), 'LAYOUT_MISMATCH', 'nimctl upload DIR URL'],
    ['no loader image', withoutLoader, 'LOADER_IMAGE_REQUIRED', '--loader-image REGISTRY/nimctl:VERSION'],
    ['a prefix', anNgcRequest({ cacheUrl: new URL('s3://b/p') }), 'OVERRIDE_PREFIX', 's3://b --layout ngc'],
    ['a directory', anNgcRequest({ cacheUrl: new URL('file:///b') }), 'OVERRIDE_NEEDS_S3', '--store-url s3://BUCKET'],
    ['an unknown store', aRequest({ cacheUrl: new URL('ftp://b/p') }), 'LOADER_STORE_UNSUPPORTED', '--store-url'],
    ['a key in a URL', aRequest({ cacheUrl: new URL('s3://u:hunter2@b/p') }), 'SECRET_IN_URL', '--store-secret'],
    [
      'a signed endpoint',
      aRequest({ endpointUrl: new URL('http://h/?sig=hunter2') }),
      'SECRET_IN_URL',
      '--store-secret',
    ],
    ['a native image', aRequest({ header: aHeader({ family: 'native' }) }), 'FAMILY_UNSUPPORTED', 'nimctl emit pod'],
    ['no profile', aRequest({ header: aHeader({ profiles: [] }) }), 'INVENTORY_WITHOUT_PROFILES', 'validate cache'],
    ['a wrong access mode', aRequest({ volume: { accessMode: 'RWX' } }), 'OBJECT_INVALID', 'flags'],
    ['a name with a capital', aRequest({ name: 'Llama' }), 'NAME_INVALID', 'llama'],
    ['a wrong namespace', aRequest({ namespace: 'a.b' }), 'NAME_INVALID', 'a-b'],
  ])('%s', (_case, request, code, next) => {
    const failure = failureOf(() => emitStack(request))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next).toContain(next)
    expect(JSON.stringify([failure.message, failure.why, failure.next])).not.toContain('hunter2')
  })
})

/** The objects are plain data behind a narrow type; JSON shows them whole. */
function specOf(request: NimCacheRequest) {
  const objects: { kind: string; spec: NimCache['spec'] }[] = JSON.parse(JSON.stringify(emitNimCache(request).objects))
  return objects.find(({ kind }) => kind === 'NIMCache')?.spec
}

function profilesOf(request: NimCacheRequest) {
  return specOf(request)?.source.ngc?.model?.profiles
}
