import { describe, expect, it } from 'vitest'

import { emitNimService } from '../../src/emit/nimservice/nimservice.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { failureOf } from './failure.ts'
import { aHeader, anNgcRequest, aRequest, aServiceRequest, loraProfile, tensorProfile, vllmProfile } from './request.ts'

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
      tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
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

describe('what may go outside', () => {
  const envOf = (
    serving: Parameters<typeof emitNimService>[0]['serving'],
    operatorVersion: '3.1.2' | 'main' = '3.1.2',
  ) => JSON.parse(JSON.stringify(serviceOf({ serving, operatorVersion }))).spec

  it('has the key of a Secret, and nothing that keeps it from asking', () => {
    const { authSecret, env } = envOf({ port: 8000, access: { authSecret: 'ngc' } })
    expect({ authSecret, env }).toEqual({ authSecret: 'ngc', env: undefined })
  })

  it('may go without a key from main on', () => {
    const { authSecret, env } = envOf({ port: 8000, access: { online: true } }, 'main')
    expect({ authSecret, env }).toEqual({ authSecret: undefined, env: undefined })
  })

  it('has what a person sets instead of what nimctl would', () => {
    const { env } = envOf({ port: 8000, container: { env: [{ name: 'HF_HUB_OFFLINE', value: '0' }] } })
    expect(env).toContainEqual({ name: 'HF_HUB_OFFLINE', value: '0' })
    expect(env).not.toContainEqual({ name: 'HF_HUB_OFFLINE', value: '1' })
  })
})

describe('an Ingress', () => {
  const serving = {
    port: 9000,
    router: { host: 'a.example.com', ingressClass: 'nginx', tlsSecret: 'tls', annotations: { a: 'b' } },
  }

  it('is of the router from 3.1.0', () => {
    expect(serviceOf({ serving, operatorVersion: '3.1.0' })).toMatchObject({
      spec: {
        expose: {
          router: {
            hostDomainName: 'a.example.com',
            annotations: { a: 'b' },
            ingress: { ingressClass: 'nginx', tlsSecretName: 'tls' },
          },
        },
      },
    })
  })

  it('is written out for older operators, which know no router', () => {
    const object = serviceOf({ serving, operatorVersion: '3.0.2' })
    expect(object).toMatchObject({
      spec: {
        expose: {
          ingress: {
            enabled: true,
            annotations: { a: 'b' },
            spec: {
              ingressClassName: 'nginx',
              tls: [{ hosts: ['a.example.com'], secretName: 'tls' }],
              rules: [
                {
                  host: 'a.example.com',
                  http: {
                    paths: [
                      {
                        path: '/',
                        pathType: 'Prefix',
                        backend: { service: { name: 'llama-3-2-1b-instruct', port: { number: 9000 } } },
                      },
                    ],
                  },
                },
              ],
            },
          },
        },
      },
    })
    expect(JSON.stringify(object)).not.toContain('router')
  })
})

it('fetches an adapter by nimctl itself, with the credentials of its store alone', () => {
  const result = emitNimService({
    ...aServiceRequest({ header: aHeader({ profiles: [loraProfile] }) }),
    serving: { port: 8000, lora: { adapters: ['s3://loras/support'], adapterSecret: 'loras', adapterMemory: '64Mi' } },
    loaderImage: 'registry.internal:5000/nimctl:0.1.0',
    store: { region: 'eu-1' },
  })
  const key = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: 'loras', key: name } } })
  expect(result.objects[0]).toMatchObject({
    spec: {
      initContainers: [
        {
          name: 'adapter-support',
          image: { repository: 'registry.internal:5000/nimctl', tag: '0.1.0' },
          command: ['download-to-cache'],
          env: expect.arrayContaining([
            { name: 'NIMCTL_CACHE_URL', value: 's3://loras/support' },
            { name: 'AWS_REGION', value: 'eu-1' },
            { name: 'NIMCTL_DOWNLOAD_FLAGS', value: '--memory 64Mi' },
            expect.objectContaining(key('AWS_ACCESS_KEY_ID')),
            expect.objectContaining(key('AWS_SECRET_ACCESS_KEY')),
            { name: 'NIM_CACHE_PATH', value: '/model-store/loras/support' },
          ]),
        },
      ],
    },
  })
  expect(result.prerequisites).toEqual([expect.stringContaining('Secret loras')])
})

describe('warns of', () => {
  const warningsOf = (changes: Parameters<typeof aServiceRequest>[0]) =>
    emitNimService(aServiceRequest(changes)).warnings

  it.each<[string, Parameters<typeof aServiceRequest>[0], string]>([
    [
      'an autoscaler that looks at CPU',
      { serving: { port: 1, scale: { maxReplicas: 2, metrics: ['resource/cpu=80%'] } } },
      'little CPU',
    ],
    ['a directory of nodes', { files: { from: 'host-path', path: '/srv' } }, '1000:2000'],
    [
      'a proxy without a CA',
      { operatorVersion: '3.1.0', serving: { port: 1, proxy: { httpProxy: 'http://p' } } },
      'issue 700',
    ],
  ])('%s', (_, changes, words) => {
    expect(warningsOf(changes)).toEqual([expect.stringContaining(words)])
  })

  it('nothing where all is well', () => {
    expect(warningsOf({})).toEqual([])
  })
})
