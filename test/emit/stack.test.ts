import { describe, expect, it } from 'vitest'

import { emitStack, type StackRequest } from '../../src/emit/stack.ts'
import type { NimService } from '../../src/operator/objects.ts'
import { failureOf } from './failure.ts'
import { aHeader, anNgcRequest, aRequest, tensorProfile } from './request.ts'

const digest = `sha256:${'0'.repeat(64)}`

/** As plain data. */
function objectsOf(request: StackRequest): { kind: string; metadata: { name: string }; spec: NimService['spec'] }[] {
  return JSON.parse(JSON.stringify(emitStack(request).objects))
}

function kindsOf(request: StackRequest): string[] {
  return objectsOf(request).map(({ kind, metadata: { name } }) => `${kind}/${name}`)
}

function serviceOf(request: StackRequest): NimService['spec'] {
  const service = objectsOf(request).find(({ kind }) => kind === 'NIMService')
  if (service === undefined) throw new Error('There is no NIMService.')
  return service.spec
}

const name = 'llama-3-2-1b-instruct'
const pinned = { name: 'NIM_MODEL_PROFILE', value: tensorProfile.id }

describe('layout cache', () => {
  it('is fetched by a NIMCache where nobody says more', () => {
    expect(kindsOf(aRequest())).toEqual([`ConfigMap/${name}-manifest`, `NIMCache/${name}`, `NIMService/${name}`])
  })

  it('is fetched by a Job into a claim that the service has, too', () => {
    const request = aRequest({ loader: 'job' })
    expect(kindsOf(request)).toEqual([
      `PersistentVolumeClaim/${name}-model-store`,
      `Job/${name}-loader`,
      `NIMService/${name}`,
    ])
    const { storage, env } = serviceOf(request)
    expect(storage).toEqual({ pvc: { create: false, name: `${name}-model-store` } })
    expect(env).toContainEqual(pinned)
    expect(JSON.stringify(emitStack(request).objects[1])).toContain(`"secretRef":{"name":"${name}-store"}`)
  })

  it('is fetched by a Job into a claim that is there', () => {
    const request = aRequest({ loader: 'job', volume: { claimName: 'models' } })
    expect(kindsOf(request)).toEqual([`Job/${name}-loader`, `NIMService/${name}`])
    expect(serviceOf(request).storage).toEqual({ pvc: { create: false, name: 'models' } })
  })

  it('is fetched by each pod before its NIM', () => {
    const request = aRequest({ loader: 'init', inventoryDigest: digest, endpointUrl: new URL('https://s3.internal') })
    const { initContainers, storage, env } = serviceOf(request)
    expect(kindsOf(request)).toEqual([`NIMService/${name}`])
    expect(storage).toEqual({ emptyDir: { sizeLimit: '49Gi' } })
    expect(env).toContainEqual(pinned)
    const key = (key: string, optional?: true) => ({
      name: key,
      valueFrom: { secretKeyRef: { name: `${name}-store`, key, ...(optional && { optional }) } },
    })
    expect(initContainers).toEqual([
      {
        name: 'load-cache',
        image: { repository: 'registry.internal:5000/nimctl', tag: '0.1.0' },
        command: ['download-to-cache'],
        env: [
          { name: 'NIM_CACHE_PATH', value: '/model-store' },
          { name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' },
          { name: 'NIMCTL_INVENTORY_DIGEST', value: digest },
          { name: 'AWS_REGION', value: 'eu-central-1' },
          { name: 'AWS_ENDPOINT_URL', value: 'https://s3.internal' },
          key('AWS_ACCESS_KEY_ID'),
          key('AWS_SECRET_ACCESS_KEY'),
          key('AWS_SESSION_TOKEN', true),
        ],
      },
    ])
  })

  it.each([
    ['an existing claim', { claimName: 'models' }, { create: false, name: 'models' }],
    [
      'a new claim',
      { storageClass: 'nfs' },
      { create: true, storageClass: 'nfs', size: '49Gi', volumeAccessMode: 'ReadWriteMany' },
    ],
  ])('is fetched by the pods into %s', (_case, volume, pvc) => {
    expect(serviceOf(aRequest({ loader: 'init', volume })).storage).toEqual({ pvc })
  })
})

describe('what has no profiles is named to the NIM, not pinned', () => {
  const named = { name: 'NIM_MODEL_NAME', value: '/model-store' }

  it.each([
    ['a model as plain files', { form: 'endpoint' }, [named]],
    ['one profile as plain files', { form: 'flat' }, [named, { name: 'NIM_MODEL_PATH', value: '/model-store' }]],
    [
      'a tree of another hub',
      { form: 'uri', sources: ['hf://meta/llama'] },
      [
        named,
        { name: 'HF_HOME', value: '/model-store/huggingface/hub' },
        { name: 'NIM_MODEL_PATH', value: 'hf://meta/llama' },
      ],
    ],
  ] as const)('%s', (_case, { form, ...more }, variables) => {
    const profiles = form === 'flat' ? [tensorProfile] : []
    const sources = 'sources' in more ? { sources: [...more.sources] } : {}
    const header = aHeader({ family: 'universal', form, profiles, ...sources })
    const { env = [] } = serviceOf(aRequest({ loader: 'job', header }))
    expect(env).toEqual(expect.arrayContaining([...variables]))
    expect(env.map(variable => variable.name)).not.toContain('NIM_MODEL_PROFILE')
    expect(failureOf(() => emitStack(aRequest({ header })))).toMatchObject({
      code: 'FORM_WITHOUT_PROFILES',
      next: expect.stringContaining('--loader job'),
    })
  })
})

it('keeps a model in a folder of the volume, and hands annotations to a new claim', () => {
  const volume = { subPath: 'models/llama', annotations: { team: 'ml' } }
  const [claim, job, service] = objectsOf(aRequest({ loader: 'job', volume }))
  expect(claim).toMatchObject({ kind: 'PersistentVolumeClaim', metadata: { annotations: { team: 'ml' } } })
  expect(JSON.stringify(job)).toContain('{"name":"NIM_CACHE_PATH","value":"/model-store/models/llama"}')
  expect(service?.spec.storage.pvc).toEqual({ create: false, name: `${name}-model-store`, subPath: 'models/llama' })
})

it.each([
  [
    'an init container below 3.1.0',
    aRequest({ loader: 'init', operatorVersion: '3.0.2' }),
    'OPERATOR_TOO_OLD',
    '--loader job',
  ],
  ['a folder outside', aRequest({ loader: 'job', volume: { subPath: '../x' } }), 'SUB_PATH_INVALID', '--sub-path'],
  ['a Job on layout ngc', anNgcRequest({ loader: 'job' }), 'LAYOUT_MISMATCH', 'Leave'],
  ['an init container on layout ngc', anNgcRequest({ loader: 'init' }), 'LAYOUT_MISMATCH', 'Leave'],
  [
    'a native image',
    aRequest({ loader: 'job', header: aHeader({ family: 'native' }) }),
    'FAMILY_UNSUPPORTED',
    'nimctl emit pod',
  ],
] as const)('refuses %s, with the way that works', (_case, request, code, next) => {
  const failure = failureOf(() => emitStack(request))
  expect(failure).toMatchObject({ category: 'usage', code })
  expect(failure.next).toContain(next)
})
