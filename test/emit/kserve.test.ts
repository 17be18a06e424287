import { describe, expect, it } from 'vitest'

import { emitKserve, type KserveRequest } from '../../src/emit/kserve/kserve.ts'
import { renderYaml } from '../../src/emit/yaml.ts'
import type { InventoryHeader } from '../../src/inventory/inventory.ts'
import { failureOf } from './failure.ts'
import { aPod, objectOf, type PodChanges } from './pod-request.ts'
import { tensorProfile } from './request.ts'

const store = { from: 'store' } as const
const loaderImage = 'registry.internal:5000/nimctl:0.1.0'

type Changes = Partial<Omit<KserveRequest, 'uploaded'>> &
  Pick<PodChanges, 'upload'> & { header?: Partial<InventoryHeader> }

function aService({ header, upload, ...changes }: Changes = {}): KserveRequest {
  const {
    volume: _volume,
    lora: _lora,
    online: _online,
    form: _form,
    ...pod
  } = aPod({
    ...(header && { header }),
    ...(upload && { upload }),
  })
  return { ...pod, kind: 'kserve', source: store, ...changes }
}

function uriOf(url: string, header?: Partial<InventoryHeader>, changes: Changes = {}): unknown {
  const { objects } = emitKserve(
    aService({ upload: { cacheUrl: new URL(url) }, ...(header && { header }), ...changes }),
  )
  const service = objects.find(({ kind }) => kind === 'InferenceService') as unknown as {
    spec: { predictor: { model: { storageUri: string } } }
  }
  return service.spec.predictor.model.storageUri
}

it('is an InferenceService, the runtime that runs the NIM, and a ServiceAccount with the Secret of the store', () => {
  const { objects } = emitKserve(aService())
  expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'ServingRuntime', 'InferenceService'])
  expect(objects[0]).toEqual({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'llama', namespace: 'nim-service' },
    secrets: [{ name: 'llama-store' }],
  })
  expect(objects[1]).toMatchObject({
    apiVersion: 'serving.kserve.io/v1alpha1',
    metadata: { name: 'llama', namespace: 'nim-service' },
    spec: {
      supportedModelFormats: [{ name: 'nim' }],
      containers: [
        {
          name: 'kserve-container',
          image: 'registry.internal:5000/nim/meta/llama-3.2-1b-instruct:1.12.0',
          env: [
            { name: 'NIM_CACHE_PATH', value: '/mnt/models' },
            { name: 'NIM_MODEL_PROFILE', value: tensorProfile.id },
            { name: 'HF_HUB_OFFLINE', value: '1' },
            { name: 'TRANSFORMERS_OFFLINE', value: '1' },
            { name: 'DO_NOT_TRACK', value: '1' },
          ],
          ports: [{ containerPort: 8000 }],
          resources: {
            requests: { cpu: '1', memory: '20Gi', 'nvidia.com/gpu': '4' },
            limits: { 'nvidia.com/gpu': '4' },
          },
          volumeMounts: [{ name: 'dshm', mountPath: '/dev/shm' }],
        },
      ],
      volumes: [{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '16Gi' } }],
    },
  })
  expect(objects[2]).toEqual({
    apiVersion: 'serving.kserve.io/v1beta1',
    kind: 'InferenceService',
    metadata: {
      name: 'llama',
      namespace: 'nim-service',
      annotations: { 'serving.kserve.io/deploymentMode': 'RawDeployment', 'storage.kserve.io/readonly': 'false' },
    },
    spec: {
      predictor: {
        minReplicas: 1,
        maxReplicas: 1,
        deploymentStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        serviceAccountName: 'llama',
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 1000,
          runAsGroup: 2000,
          fsGroup: 2000,
          fsGroupChangePolicy: 'OnRootMismatch',
          seccompProfile: { type: 'RuntimeDefault' },
        },
        tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
        model: { modelFormat: { name: 'nim' }, runtime: 'llama', storageUri: 's3://models/llama/' },
      },
    },
  })
})

describe('the address is spelled as KServe reads it', () => {
  const tar = { layout: 'tar' } as const
  const azure = 'https://account.blob.core.windows.net/models/llama'
  it.each([
    ['s3://models/llama', {}, 's3://models/llama/'],
    ['s3://models/llama/', {}, 's3://models/llama/'],
    ['s3://models', {}, 's3://models/'],
    ['s3://models/with%20space', {}, 's3://models/with space/'],
    ['s3://models/llama', tar, 's3://models/llama/cache.tar'],
    ['gs://models/llama', {}, 'gs://models/llama/'],
    ['gs://models/llama', tar, 'gs://models/llama/cache.tar'],
    [azure, {}, `${azure}/`],
    [azure, tar, `${azure}/cache.tar`],
    ['hdfs://namenode:8020/models/llama/', {}, 'hdfs://models/llama'],
    ['webhdfs://namenode:9870/models/llama', {}, 'webhdfs://models/llama'],
    ['swebhdfs://namenode:9871/models/llama', tar, 'webhdfs://models/llama/cache.tar'],
    ['https://files.internal/models/llama', tar, 'https://files.internal/models/llama/cache.tar'],
  ] as const)('%s %j', (url, header, expected) => {
    expect(uriOf(url, header)).toBe(expected)
  })

  it('a claim is one, too', () => {
    expect(uriOf('s3://a/b', {}, { source: { from: 'claim', claim: 'models' } })).toBe('pvc://models/')
    expect(uriOf('s3://a/b', {}, { source: { from: 'claim', claim: 'models', subPath: '/llama/' } })).toBe(
      'pvc://models/llama',
    )
  })
})

describe('the Secret', () => {
  function prerequisitesOf(url: string, changes: Changes = {}): string[] {
    const { upload, ...others } = changes
    return emitKserve(
      aService({ header: { layout: 'tar' }, upload: { cacheUrl: new URL(url), ...upload }, ...others }),
    ).prerequisites.slice(0, -1)
  }
  const create = (rest: string) =>
    expect.stringContaining(`kubectl create secret generic llama-store -n nim-service ${rest}`)

  it('of S3 has annotations for what is not secret', () => {
    const upload = { endpointUrl: new URL('http://s3.internal:9000') }
    expect(prerequisitesOf('s3://a/b', { upload })).toEqual([
      create('--from-env-file=FILE, where FILE has the lines AWS_ACCESS_KEY_ID=… and AWS_SECRET_ACCESS_KEY=…'),
      'its annotations, from which KServe has the rest: kubectl annotate secret llama-store -n nim-service ' +
        'serving.kserve.io/s3-endpoint=s3.internal:9000 serving.kserve.io/s3-usehttps=0 serving.kserve.io/s3-region=eu-central-1',
    ])
  })

  it('of S3 may name a CA, and hosts with the bucket in front', () => {
    const storeSettings = { pathStyle: false, caConfigMap: 's3-ca' }
    expect(
      prerequisitesOf('s3://a/b', { upload: { storeSettings, endpointUrl: new URL('https://s3.internal') } }),
    ).toEqual([
      create(''),
      expect.stringMatching(
        /s3-usehttps=1 .*s3-usevirtualbucket=true serving\.kserve\.io\/s3-cabundle-configmap=s3-ca$/,
      ),
      'ConfigMap s3-ca: kubectl create configmap s3-ca -n nim-service --from-file=cabundle.crt=FILE',
    ])
  })

  it.each([
    ['gs://a/b', '--from-file=gcloud-application-credentials.json=FILE'],
    [
      'https://account.blob.core.windows.net/a/b',
      '--from-env-file=FILE, where FILE has the line AZURE_STORAGE_ACCESS_KEY=…',
    ],
    ['hdfs://nn:8020/a', "--from-literal=HDFS_NAMENODE='http://nn:9870'"],
    ['webhdfs://nn:9999/a', "--from-literal=HDFS_NAMENODE='http://nn:9999'"],
    ['swebhdfs://nn:9871/a', "--from-literal=HDFS_NAMENODE='https://nn:9871'"],
  ])('of %s has the keys by which KServe knows the store', (url, expected) => {
    expect(prerequisitesOf(url)).toEqual([create(expected)])
  })

  it('of HDFS names all namenodes', () => {
    const storeSettings = { webhdfsUrls: [new URL('http://a:9870'), new URL('http://b:9870')] }
    expect(prerequisitesOf('hdfs://nameservice/a', { upload: { storeSettings } })).toEqual([
      create("--from-literal=HDFS_NAMENODE='http://a:9870;http://b:9870'"),
    ])
  })

  it('of a public bucket of S3 says so, and of other public stores there is none', () => {
    const storeSettings = { signRequests: false }
    expect(prerequisitesOf('s3://a/b', { upload: { storeSettings } })).toEqual([
      create(''),
      expect.stringMatching(/serving\.kserve\.io\/s3-useanoncredential=true$/),
    ])
    expect(prerequisitesOf('gs://a/b', { upload: { storeSettings } })).toEqual([])
  })

  it('of a web server is there where it is asked for', () => {
    expect(prerequisitesOf('https://files.internal/a')).toEqual([])
    expect(
      objectOf(
        emitKserve(aService({ header: { layout: 'tar' }, upload: { cacheUrl: new URL('https://files.internal/a') } })),
        'ServiceAccount',
      ),
    ).toBeUndefined()
    expect(prerequisitesOf('https://files.internal/a', { upload: { storeSecret: 'web' } })).toEqual([
      expect.stringContaining('--from-literal=https-host=files.internal --from-file=headers=FILE'),
    ])
  })

  it('is not needed with a ServiceAccount that may read the store', () => {
    const result = emitKserve(aService({ source: { ...store, serviceAccount: 'reader' } }))
    expect(result.objects.map(({ kind }) => kind)).toEqual(['ServingRuntime', 'InferenceService'])
    expect(objectOf(result, 'InferenceService')).toMatchObject({
      spec: { predictor: { serviceAccountName: 'reader' } },
    })
  })

  it('is not needed with a claim', () => {
    const result = emitKserve(aService({ source: { from: 'claim', claim: 'models' } }))
    expect(result.prerequisites).toEqual([])
    expect(objectOf(result, 'InferenceService')).not.toHaveProperty('spec.predictor.serviceAccountName')
  })
})

it('names the check that needs a look into the store', () => {
  expect(emitKserve(aService()).prerequisites.at(-1)).toBe(
    'all of it for KServe, as says: nimctl validate store s3://models/llama/ --reader kserve',
  )
})

describe("with nimctl's own image", () => {
  it('has a ClusterStorageContainer for this upload alone, and names it', () => {
    const result = emitKserve(
      aService({ loaderImage, upload: { inventoryDigest: 'sha256:00' }, header: { links: 'record' } }),
    )
    expect(result.objects.map(({ kind }) => kind)).toEqual([
      'ClusterStorageContainer',
      'ServingRuntime',
      'InferenceService',
    ])
    expect(result.objects[0]).toEqual({
      apiVersion: 'serving.kserve.io/v1alpha1',
      kind: 'ClusterStorageContainer',
      metadata: { name: 'nimctl-nim-service-llama' },
      spec: {
        container: {
          name: 'storage-initializer',
          image: loaderImage,
          imagePullPolicy: 'IfNotPresent',
          command: ['download-to-cache'],
          env: [
            { name: 'NIM_CACHE_PATH', value: '/mnt/models' },
            { name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' },
            { name: 'NIMCTL_INVENTORY_DIGEST', value: 'sha256:00' },
            { name: 'AWS_REGION', value: 'eu-central-1' },
            ...['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'].map(key => ({
              name: key,
              valueFrom: { secretKeyRef: { name: 'llama-store', key } },
            })),
            {
              name: 'AWS_SESSION_TOKEN',
              valueFrom: { secretKeyRef: { name: 'llama-store', key: 'AWS_SESSION_TOKEN', optional: true } },
            },
          ],
          resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '4', memory: '4Gi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
        supportedUriFormats: [{ regex: '^s3://models/llama/$' }],
        workloadType: 'initContainer',
      },
    })
    expect(objectOf(result, 'InferenceService')).toMatchObject({
      spec: {
        predictor: {
          storageContainerName: 'nimctl-nim-service-llama',
          model: { storageUri: 's3://models/llama/' },
        },
      },
    })
    expect(result.warnings).toEqual([expect.stringContaining('KServe 0.20')])
  })
})

describe('refuses', () => {
  const azureChina = 'https://account.blob.core.chinacloudapi.cn/models/llama'
  const at = (url: string, header: Partial<InventoryHeader> = {}) =>
    aService({ upload: { cacheUrl: new URL(url) }, header })
  it.each<[string, () => KserveRequest, string, string]>([
    ['layout ngc', () => at('s3://a', { layout: 'ngc' }), 'LAYOUT_MISMATCH', 'nimctl upload DIR URL'],
    ['layout plain', () => at('s3://a/b', { layout: 'plain' }), 'LAYOUT_MISMATCH', '--layout tar'],
    ['recorded links', () => at('s3://a/b', { links: 'record' }), 'KSERVE_UNREADABLE', '--loader-image'],
    ['a directory', () => at('file:///srv/cache'), 'KSERVE_UNREADABLE', '--store-url'],
    [
      'az://',
      () => at('az://models/llama'),
      'KSERVE_UNREADABLE',
      'https://ACCOUNT.blob.core.windows.net/models/llama/',
    ],
    ['another cloud of Azure', () => at(azureChina), 'KSERVE_UNREADABLE', '--loader-image'],
    ['a folder over https', () => at('https://files.internal/llama'), 'KSERVE_UNREADABLE', '--layout tar'],
    ['the root of a bucket of Google', () => at('gs://models'), 'KSERVE_UNREADABLE', 'prefix'],
    [
      'an endpoint with a path',
      () => aService({ upload: { endpointUrl: new URL('https://gateway.internal/s3') } }),
      'KSERVE_UNREADABLE',
      '--store-endpoint-url',
    ],
    [
      'a SAS',
      () => at('https://account.blob.core.windows.net/models/llama?sig=hunter2'),
      'SECRET_IN_URL',
      '--store-secret',
    ],
    [
      'layout ngc for nimctl’s image',
      () => ({ ...at('s3://a', { layout: 'ngc' }), loaderImage }),
      'LAYOUT_MISMATCH',
      'upload',
    ],
    [
      'a native image',
      () => aService({ header: { family: 'native', profiles: [] } }),
      'FAMILY_UNSUPPORTED',
      'nimctl emit pod llama',
    ],
    [
      'a CA of another store',
      () => aService({ upload: { cacheUrl: new URL('gs://a/b'), storeSettings: { caConfigMap: 'ca' } } }),
      'KSERVE_CA',
      'Leave out --store-ca',
    ],
    ['a name that gets too long', () => aService({ name: 'a'.repeat(54) }), 'NAME_INVALID', 'a'.repeat(53)],
    ['a wrong namespace', () => aService({ namespace: 'a.b' }), 'NAME_INVALID', 'a-b'],
    ['a wrong claim', () => aService({ source: { from: 'claim', claim: 'A' } }), 'NAME_INVALID', ''],
    ['a wrong ServiceAccount', () => aService({ source: { ...store, serviceAccount: 'a_b' } }), 'NAME_INVALID', 'a-b'],
    ['a wrong ConfigMap', () => aService({ upload: { storeSettings: { caConfigMap: 'a_b' } } }), 'NAME_INVALID', 'a-b'],
    ['a wrong Secret', () => aService({ upload: { storeSecret: 'a_b' } }), 'NAME_INVALID', 'a-b'],
  ])('%s', (_case, request, code, next) => {
    const failure = failureOf(() => emitKserve(request()))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next ?? '').toContain(next)
    expect(JSON.stringify([failure.message, failure.why, failure.next])).not.toContain('hunter2')
  })

  it('an image alone, without a claim', () => {
    const { uploaded: _, ...request } = aService()
    expect(failureOf(() => emitKserve(request))).toMatchObject({ category: 'usage', code: 'EMIT_SOURCE' })
  })
})

it('as YAML says what may be adapted', () => {
  const yaml = renderYaml(emitKserve(aService()), 'A test.')
  for (const comment of [
    'A NIM refuses a cache in which',
    'A new pod would wait',
    'Profile tensorrt',
    'How long loading',
  ])
    expect(yaml).toContain(`# ${comment}`)
})
