import { describe, expect, it } from 'vitest'

import { emitLoader, type LoaderRequest } from '../../src/emit/loader/loader.ts'
import type { UploadedCache } from '../../src/emit/request.ts'
import { failureOf } from './failure.ts'
import { aHeader } from './request.ts'

const digest = `sha256:${'0'.repeat(64)}`

function anUploadedCache(changes: Partial<UploadedCache> = {}): UploadedCache {
  return {
    header: aHeader(),
    cacheUrl: new URL('s3://models/llama'),
    region: 'eu-central-1',
    inventoryDigest: digest,
    ...changes,
  }
}

function aLoaderRequest(changes: Partial<LoaderRequest> = {}): LoaderRequest {
  return {
    kind: 'loader',
    name: 'llama',
    namespace: 'nim-service',
    operatorVersion: '3.1.2',
    caches: [{ uploaded: anUploadedCache() }],
    loaderImage: 'registry.internal:5000/nimctl:0.1.0',
    volume: {},
    newClaimName: 'llama',
    job: { runAs: { uid: 1000, gid: 2000, fsGroup: 2000 }, cpu: '500m', memory: '1Gi' },
    ...changes,
  }
}

interface ReadObject {
  kind: string
  spec: {
    completions?: number
    template: { spec: { containers: [{ env: { name: string; value?: string }[]; envFrom?: object[] }] } }
  }
}

/** As plain data. */
function objectsOf(request: LoaderRequest): ReadObject[] {
  return JSON.parse(JSON.stringify(emitLoader(request).objects))
}

function containerOf(request: LoaderRequest) {
  const job = objectsOf(request).find(({ kind }) => kind === 'Job')
  if (job === undefined) throw new Error('There is no Job.')
  return job.spec.template.spec.containers[0]
}

const labels = {
  'app.kubernetes.io/name': 'nimctl',
  'app.kubernetes.io/instance': 'llama',
  'app.kubernetes.io/component': 'loader',
}

it('writes a claim and a Job that fills it, fit for restricted pod security', () => {
  expect(objectsOf(aLoaderRequest())).toEqual([
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'llama', namespace: 'nim-service' },
      spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '49Gi' } } },
    },
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'llama', namespace: 'nim-service', labels },
      spec: {
        backoffLimit: 5,
        podFailurePolicy: {
          rules: [
            { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
            {
              action: 'FailJob',
              onExitCodes: { containerName: 'loader', operator: 'In', values: [2, 3, 4, 5, 7] },
            },
          ],
        },
        template: {
          metadata: { labels, annotations: { 'sidecar.istio.io/inject': 'false' } },
          spec: {
            restartPolicy: 'Never',
            terminationGracePeriodSeconds: 10,
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            nodeSelector: { 'kubernetes.io/os': 'linux' },
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 1000,
              runAsGroup: 2000,
              fsGroup: 2000,
              fsGroupChangePolicy: 'OnRootMismatch',
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                name: 'loader',
                image: 'registry.internal:5000/nimctl:0.1.0',
                command: ['download-to-cache'],
                env: [
                  { name: 'NIM_CACHE_PATH', value: '/model-store' },
                  { name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' },
                  { name: 'NIMCTL_INVENTORY_DIGEST', value: digest },
                  { name: 'AWS_REGION', value: 'eu-central-1' },
                ],
                envFrom: [{ secretRef: { name: 'llama-store' } }],
                resources: { requests: { cpu: '500m', memory: '1Gi' }, limits: { memory: '1Gi' } },
                securityContext: {
                  allowPrivilegeEscalation: false,
                  readOnlyRootFilesystem: true,
                  capabilities: { drop: ['ALL'] },
                },
                volumeMounts: [
                  { name: 'model-store', mountPath: '/model-store' },
                  { name: 'tmp', mountPath: '/tmp' },
                ],
              },
            ],
            volumes: [
              { name: 'model-store', persistentVolumeClaim: { claimName: 'llama' } },
              { name: 'tmp', emptyDir: {} },
            ],
          },
        },
      },
    },
  ])
})

it('fills a claim that is there, and takes all that a Job can be told', () => {
  const [job, ...others] = objectsOf(
    aLoaderRequest({
      volume: { claimName: 'models' },
      pullSecret: 'registry',
      job: {
        serviceAccount: 'reader',
        nodeSelector: { zone: 'a' },
        tolerations: [{ key: 'storage', operator: 'Exists' }],
        cpu: '2',
        memory: '4Gi',
        ttlSeconds: 600,
      },
    }),
  )
  expect(others).toEqual([])
  expect(job).toMatchObject({
    kind: 'Job',
    spec: {
      ttlSecondsAfterFinished: 600,
      template: {
        spec: {
          serviceAccountName: 'reader',
          imagePullSecrets: [{ name: 'registry' }],
          nodeSelector: { zone: 'a' },
          tolerations: [{ key: 'storage', operator: 'Exists' }],
          securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
          // Who is somebody by its service account may need no Secret.
          containers: [{ envFrom: [{ secretRef: { name: 'llama-store', optional: true } }] }],
          volumes: [{ name: 'model-store', persistentVolumeClaim: { claimName: 'models' } }, { name: 'tmp' }],
        },
      },
    },
  })
})

it('puts one cache into a folder where one is named', () => {
  const { env } = containerOf(aLoaderRequest({ caches: [{ uploaded: anUploadedCache(), folder: 'llama' }] }))
  expect(env).toContainEqual({ name: 'NIM_CACHE_PATH', value: '/model-store/llama' })
})

describe('several caches', () => {
  const llama = { uploaded: anUploadedCache(), folder: 'llama' }
  const asr = { uploaded: anUploadedCache({ cacheUrl: new URL('s3://speech/asr') }), folder: 'asr' }

  it('make an Indexed Job, with room for all, a folder and a line for each', () => {
    const request = aLoaderRequest({ caches: [llama, asr], parallelism: 1 })
    const [claim, job] = objectsOf(request)
    expect(claim).toMatchObject({ spec: { resources: { requests: { storage: '97Gi' } } } })
    expect(job).toMatchObject({
      spec: {
        completionMode: 'Indexed',
        completions: 2,
        parallelism: 1,
        backoffLimitPerIndex: 5,
        podFailurePolicy: { rules: [{}, { action: 'FailIndex' }] },
      },
    })
    expect(containerOf(request).env).toEqual([
      { name: 'NIM_CACHE_PATH', value: '/model-store' },
      { name: 'NIMCTL_CACHES', value: `llama s3://models/llama ${digest}\nasr s3://speech/asr ${digest}\n` },
      { name: 'AWS_REGION', value: 'eu-central-1' },
    ])
  })

  it.each([
    ['one folder', [llama, llama], 'LOADER_FOLDER', '--cache FOLDER='],
    ['no folder', [llama, { uploaded: anUploadedCache() }], 'LOADER_FOLDER', '--cache FOLDER='],
    ['a folder outside', [llama, { ...llama, folder: '..' }], 'LOADER_FOLDER', '--cache FOLDER='],
    [
      'two kinds of stores',
      [llama, { uploaded: anUploadedCache({ cacheUrl: new URL('gs://models/a') }), folder: 'a' }],
      'LOADER_STORES_DIFFER',
      'nimctl emit loader',
    ],
    [
      'two web servers',
      [
        { uploaded: anUploadedCache({ cacheUrl: new URL('https://a/m') }), folder: 'a' },
        { uploaded: anUploadedCache({ cacheUrl: new URL('https://b/m') }), folder: 'b' },
      ],
      'LOADER_STORES_DIFFER',
      'nimctl emit loader',
    ],
  ])('are refused with %s', (_case, caches, code, next) => {
    const failure = failureOf(() => emitLoader(aLoaderRequest({ caches })))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next).toContain(next)
  })
})

describe('refuses', () => {
  const { loaderImage: _, ...withoutImage } = aLoaderRequest()
  const ngc = anUploadedCache({ header: aHeader({ layout: 'ngc' }) })

  it.each([
    ['layout ngc', aLoaderRequest({ caches: [{ uploaded: ngc }] }), 'LAYOUT_MISMATCH', 'nimctl emit nimcache'],
    ['no image', withoutImage, 'LOADER_IMAGE_REQUIRED', '--loader-image'],
    ['a name with a capital', aLoaderRequest({ name: 'Llama' }), 'NAME_INVALID', 'llama'],
    ['a wrong size', aLoaderRequest({ volume: { size: 'much' } }), 'OBJECT_INVALID', 'flags'],
    ['a wrong access mode', aLoaderRequest({ volume: { accessMode: 'RWX' } }), 'OBJECT_INVALID', 'flags'],
  ])('%s', (_case, request, code, next) => {
    const failure = failureOf(() => emitLoader(request))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next).toContain(next)
  })
})
