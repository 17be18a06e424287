import { describe, expect, it } from 'vitest'

import { emitPod, type PodRequest } from '../../src/emit/pod/pod.ts'
import { renderYaml } from '../../src/emit/yaml.ts'
import { failureOf } from './failure.ts'
import { aPod, aPodOfImage, envOf, nimOf, objectOf, podSpecOf } from './pod-request.ts'
import { tensorProfile, vllmProfile } from './request.ts'

const loaderImage = 'registry.internal:5000/nimctl:0.1.0'
const emptyDir = { type: 'emptyDir' } as const
const reference = (key: string, optional?: true) => ({
  name: key,
  valueFrom: { secretKeyRef: { name: 'llama-store', key, ...(optional && { optional }) } },
})
const s3Credentials = [
  reference('AWS_ACCESS_KEY_ID'),
  reference('AWS_SECRET_ACCESS_KEY'),
  reference('AWS_SESSION_TOKEN', true),
]

it('on a filled claim is a Deployment and a Service, pinned, without a key, in a restricted pod', () => {
  const probe = { periodSeconds: 10, timeoutSeconds: 5 }
  const ready = { path: '/v1/health/ready', port: 'http' }
  const labels = { 'app.kubernetes.io/name': 'llama', 'app.kubernetes.io/managed-by': 'nimctl' }
  const metadata = { name: 'llama', namespace: 'nim-service', labels }
  expect(emitPod(aPod()).objects).toEqual([
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: 1,
        selector: { matchLabels: { 'app.kubernetes.io/name': 'llama' } },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        progressDeadlineSeconds: 7200,
        template: {
          metadata: { labels },
          spec: {
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
            containers: [
              {
                name: 'nim',
                image: 'registry.internal:5000/nim/meta/llama-3.2-1b-instruct:1.12.0',
                imagePullPolicy: 'IfNotPresent',
                env: [
                  { name: 'NIM_CACHE_PATH', value: '/opt/nim/.cache' },
                  { name: 'NIM_MODEL_PROFILE', value: tensorProfile.id },
                  { name: 'HF_HUB_OFFLINE', value: '1' },
                  { name: 'TRANSFORMERS_OFFLINE', value: '1' },
                  { name: 'DO_NOT_TRACK', value: '1' },
                ],
                ports: [{ name: 'http', containerPort: 8000, protocol: 'TCP' }],
                resources: {
                  requests: { cpu: '1', memory: '20Gi', 'nvidia.com/gpu': '4' },
                  limits: { 'nvidia.com/gpu': '4' },
                },
                startupProbe: { httpGet: ready, ...probe, failureThreshold: 360 },
                readinessProbe: { httpGet: ready, ...probe, failureThreshold: 3 },
                livenessProbe: { httpGet: { ...ready, path: '/v1/health/live' }, ...probe, failureThreshold: 6 },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
                volumeMounts: [
                  { name: 'cache', mountPath: '/opt/nim/.cache' },
                  { name: 'dshm', mountPath: '/dev/shm' },
                ],
              },
            ],
            volumes: [
              { name: 'cache', persistentVolumeClaim: { claimName: 'models' } },
              { name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '16Gi' } },
            ],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: {
        type: 'ClusterIP',
        selector: { 'app.kubernetes.io/name': 'llama' },
        ports: [{ name: 'http', port: 8000, targetPort: 'http', protocol: 'TCP' }],
      },
    },
  ])
})

it('as a bare Pod has the same spec', () => {
  const result = emitPod(aPod({ form: 'pod' }))
  expect(result.objects.map(({ kind }) => kind)).toEqual(['Pod', 'Service'])
  expect(podSpecOf({ form: 'pod' })).toEqual(podSpecOf())
})

it('finds a place by what it is told', () => {
  const placement = {
    nodeSelector: { zone: 'a' },
    tolerations: [
      { key: 'nvidia.com/gpu', operator: 'Equal', value: 'present' },
      { key: 'spot', operator: 'Exists' },
    ],
    runtimeClass: 'nvidia',
  }
  expect(podSpecOf({ placement, pullSecret: 'registry' })).toMatchObject({
    imagePullSecrets: [{ name: 'registry' }],
    nodeSelector: { zone: 'a' },
    tolerations: placement.tolerations,
    runtimeClassName: 'nvidia',
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
  })
})

describe('the NIM', () => {
  it('listens on another port, and says so', () => {
    const { ports } = nimOf({ port: 9000 })
    expect(ports).toEqual([{ name: 'http', containerPort: 9000, protocol: 'TCP' }])
    expect(envOf({ port: 9000 })).toMatchObject({ NIM_SERVER_PORT: '9000', NIM_HTTP_API_PORT: '9000' })
    expect(objectOf(emitPod(aPod({ port: 9000 })), 'Service')).toMatchObject({
      spec: { ports: [{ port: 9000, targetPort: 'http' }] },
    })
  })

  it('gets what the user asks for', () => {
    const resources = { cpu: '4', memory: '64Gi', shmSize: '32Gi', gpus: 2 }
    expect(nimOf({ resources }).resources).toEqual({
      requests: { cpu: '4', memory: '64Gi', 'nvidia.com/gpu': '2' },
      limits: { 'nvidia.com/gpu': '2' },
    })
    expect(podSpecOf({ resources }).volumes).toContainEqual({
      name: 'dshm',
      emptyDir: { medium: 'Memory', sizeLimit: '32Gi' },
    })
  })

  it('may go without a GPU', () => {
    const resources = { cpu: '1', memory: '20Gi', shmSize: '16Gi', gpus: 0 }
    expect(nimOf({ resources }).resources).toEqual({ requests: { cpu: '1', memory: '20Gi' } })
  })

  it('is asked elsewhere, for as long as it may load', () => {
    const { startupProbe, livenessProbe } = nimOf({ probes: { healthPath: '/healthz', startupSeconds: 95 } })
    expect(startupProbe).toMatchObject({ httpGet: { path: '/healthz' }, failureThreshold: 10 })
    expect(livenessProbe).toMatchObject({ httpGet: { path: '/healthz' } })
  })

  it('has the variables of the user in the place of ours', () => {
    const env = envOf({ env: { NIM_MODEL_PROFILE: 'other', NIM_LOG_LEVEL: 'DEBUG' } })
    expect(env).toMatchObject({ NIM_MODEL_PROFILE: 'other', NIM_LOG_LEVEL: 'DEBUG' })
    expect(
      nimOf({ env: { NIM_MODEL_PROFILE: 'other' } }).env.filter(({ name }) => name === 'NIM_MODEL_PROFILE'),
    ).toEqual([{ name: 'NIM_MODEL_PROFILE', value: 'other' }])
  })

  it.each([
    ['flat', { form: 'flat', profiles: [], sources: ['0494aafc'] }, { NIM_MODEL_NAME: '/opt/nim/.cache' }],
    ['endpoint', { form: 'endpoint', profiles: [], sources: ['org/m'] }, { NIM_MODEL_NAME: '/opt/nim/.cache' }],
    [
      'uri',
      { form: 'uri', profiles: [], sources: ['hf://org/m'] },
      { NIM_MODEL_PATH: 'hf://org/m', HF_HOME: '/opt/nim/.cache/huggingface/hub', HF_HUB_OFFLINE: '1' },
    ],
  ] as const)('is shown a directory of form %s', (_form, header, expected) => {
    expect(envOf({ header: { ...header, profiles: [], sources: [...header.sources] } })).toMatchObject(expected)
  })
})

describe('a native image', () => {
  const native = { family: 'native', form: 'native', profiles: [] } as const
  const of = (sources?: string[]) => ({ header: { ...native, profiles: [], ...(sources && { sources }) } })

  it('has its weights in /model, and a place of its own for what it compiles', () => {
    const spec = podSpecOf(of())
    expect(spec.containers[0].volumeMounts).toEqual([
      { name: 'cache', mountPath: '/model' },
      { name: 'kernel-cache', mountPath: '/opt/cache' },
      { name: 'dshm', mountPath: '/dev/shm' },
    ])
    expect(spec.volumes).toContainEqual({ name: 'kernel-cache', emptyDir: {} })
    expect(envOf(of())).toEqual({ HF_HUB_OFFLINE: '1', TRANSFORMERS_OFFLINE: '1' })
  })

  it('serves the one model, or the chosen one', () => {
    const named = { NIM_ENGINE_MODEL_NAME: 'nvidia/page', NIM_ENGINE_MODEL_PATH: '/model/page' }
    expect(envOf(of(['nvidia/page']))).toMatchObject(named)
    expect(envOf({ ...of(['nvidia/table', 'nvidia/page']), model: 'nvidia/page' })).toMatchObject(named)
  })

  it.each([
    [{}, 'nvidia/page, nvidia/table'],
    [{ model: 'nvidia/ocr' }, 'nvidia/page, nvidia/table'],
  ])('asks which of several models: %j', (choice, why) => {
    const failure = failureOf(() => emitPod(aPod({ ...of(['nvidia/page', 'nvidia/table']), ...choice })))
    expect(failure).toMatchObject({ category: 'usage', code: 'MODEL_REQUIRED' })
    expect(failure.why).toContain(why)
  })
})

describe('its files', () => {
  it('lie in a folder of the claim', () => {
    const [mount] = nimOf({ volume: { type: 'claim', claim: 'models', subPath: 'llama' } }).volumeMounts
    expect(mount).toEqual({ name: 'cache', mountPath: '/opt/nim/.cache', subPath: 'llama' })
  })

  it.each([
    ['an emptyDir', emptyDir, { emptyDir: { sizeLimit: '49Gi' } }],
    ['a new claim', { type: 'new-claim' }, { persistentVolumeClaim: { claimName: 'llama-cache' } }],
    ['an existing claim', { type: 'claim', claim: 'models' }, { persistentVolumeClaim: { claimName: 'models' } }],
  ] as const)('are fetched into %s by nimctl before the NIM starts', (_what, volume, expected) => {
    const spec = podSpecOf({ volume, loaderImage, upload: { inventoryDigest: 'sha256:00' } })
    expect(spec.volumes[0]).toEqual({ name: 'cache', ...expected })
    expect(spec.initContainers).toEqual([
      {
        name: 'load-cache',
        image: loaderImage,
        imagePullPolicy: 'IfNotPresent',
        command: ['download-to-cache'],
        env: [
          { name: 'NIM_CACHE_PATH', value: '/opt/nim/.cache' },
          { name: 'NIMCTL_CACHE_URL', value: 's3://models/llama' },
          { name: 'NIMCTL_INVENTORY_DIGEST', value: 'sha256:00' },
          { name: 'AWS_REGION', value: 'eu-central-1' },
          ...s3Credentials,
        ],
        resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '1Gi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
          readOnlyRootFilesystem: true,
        },
        volumeMounts: [
          { name: 'cache', mountPath: '/opt/nim/.cache' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ])
  })

  it('need a claim that is made beside the pod', () => {
    const volume = { type: 'new-claim', storageClass: 'nfs', accessMode: 'ReadWriteOnce' } as const
    const result = emitPod(aPod({ volume, loaderImage, replicas: 2 }))
    expect(result.objects[0]).toEqual({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'llama-cache', namespace: 'nim-service' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'nfs', resources: { requests: { storage: '49Gi' } } },
    })
    expect(result.warnings).toEqual([expect.stringContaining('2 replicas on a ReadWriteOnce claim')])
  })

  it('are downloaded by the NIM from a bucket of layout ngc', () => {
    const changes = {
      header: { layout: 'ngc' },
      upload: { cacheUrl: new URL('s3://nim-bucket/') },
      volume: emptyDir,
    } as const
    expect(envOf(changes)).toMatchObject({ NIM_REPOSITORY_OVERRIDE: 's3://nim-bucket/', AWS_REGION: 'eu-central-1' })
    expect(nimOf(changes).envFrom).toEqual([{ secretRef: { name: 'llama-store' } }])
  })
})

describe('online', () => {
  it('an image alone gets the keys by reference, and chooses for itself', () => {
    const request = aPodOfImage({
      online: true,
      volume: emptyDir,
      ngcKey: { name: 'ngc', key: 'NGC_API_KEY' },
      hfToken: { name: 'hf', key: 'token' },
    })
    const result = emitPod(request)
    expect(result.prerequisites).toEqual([
      'Secret ngc: kubectl create secret generic ngc -n nim-service --from-env-file=FILE, where FILE has the line NGC_API_KEY=…',
      'Secret hf: kubectl create secret generic hf -n nim-service --from-env-file=FILE, where FILE has the line token=…',
    ])
    const [deployment] = JSON.parse(JSON.stringify(result.objects))
    const [nim] = deployment.spec.template.spec.containers
    expect(nim.env).toEqual([
      { name: 'NGC_API_KEY', valueFrom: { secretKeyRef: { name: 'ngc', key: 'NGC_API_KEY' } } },
      { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf', key: 'token' } } },
      { name: 'NIM_CACHE_PATH', value: '/opt/nim/.cache' },
    ])
    expect(nim.resources.limits).toEqual({ 'nvidia.com/gpu': '1' })
  })

  it('of several profiles none need be chosen, and of one that one is', () => {
    const online = { online: true, volume: emptyDir }
    expect(envOf({ ...online, header: { profiles: [tensorProfile, vllmProfile] } })).not.toHaveProperty(
      'NIM_MODEL_PROFILE',
    )
    expect(envOf(online)).toMatchObject({ NIM_MODEL_PROFILE: tensorProfile.id })
  })
})

describe('LoRA', () => {
  const hubImage = 'python:3.12-alpine'
  const lora = { adapters: ['s3://models/adapters/tone/'], peftSource: '/opt/nim/peft', memory: '2Gi', hubImage }

  it('fetches adapters from a store into folders of their names, as the user of the NIM', () => {
    const spec = podSpecOf({ lora, loaderImage, upload: { inventoryDigest: 'sha256:00' } })
    expect(spec.initContainers?.map(({ name }) => name)).toEqual(['load-cache', 'load-adapter-1'])
    expect(spec.initContainers?.[1]).toMatchObject({
      image: loaderImage,
      env: [
        { name: 'NIM_CACHE_PATH', value: '/opt/nim/peft/tone' },
        { name: 'NIMCTL_CACHE_URL', value: 's3://models/adapters/tone/' },
        { name: 'AWS_REGION', value: 'eu-central-1' },
        ...s3Credentials,
      ],
      resources: { requests: { memory: '2Gi' } },
      volumeMounts: [
        { name: 'lora', mountPath: '/opt/nim/peft' },
        { name: 'tmp', mountPath: '/tmp' },
      ],
    })
    expect(spec.volumes).toContainEqual({ name: 'lora', emptyDir: {} })
    expect(spec.containers[0].volumeMounts).toContainEqual({ name: 'lora', mountPath: '/opt/nim/peft' })
    expect(envOf({ lora, loaderImage })).toMatchObject({ NIM_PEFT_SOURCE: '/opt/nim/peft' })
    expect(JSON.stringify(spec)).not.toContain('777')
  })

  it('fetches repositories of Hugging Face where that may be, with the token by reference', () => {
    const spec = podSpecOf({
      online: true,
      lora: { ...lora, adapters: ['hf://org/tone', 'formal=hf://org/style'] },
      hfToken: { name: 'hf', key: 'HF_TOKEN' },
    })
    const [download] = spec.initContainers ?? []
    expect(download).toMatchObject({
      name: 'download-loras',
      image: hubImage,
      env: [
        { name: 'HOME', value: '/tmp' },
        { name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: 'hf', key: 'HF_TOKEN' } } },
      ],
      resources: { requests: { memory: '2Gi' } },
    })
    expect(download?.command?.slice(3)).toEqual([
      'download-loras',
      '/opt/nim/peft',
      'tone=org/tone',
      'formal=org/style',
    ])
  })

  it('fetches adapters from other stores, under other names, with other credentials', () => {
    const adapters = ['formal=gs://adapters/style']
    const [loader] =
      podSpecOf({ lora: { ...lora, adapters, secret: 'adapters' }, loaderImage }).initContainers?.slice(1) ?? []
    expect(loader?.env).toEqual([
      { name: 'NIM_CACHE_PATH', value: '/opt/nim/peft/formal' },
      { name: 'NIMCTL_CACHE_URL', value: 'gs://adapters/style' },
      {
        name: 'NIMCTL_GOOGLE_CREDENTIALS',
        valueFrom: { secretKeyRef: { name: 'adapters', key: 'gcloud-application-credentials.json', optional: true } },
      },
    ])
  })

  it('takes adapters that are there already', () => {
    const own = { adapters: [], hubImage, peftSource: '/opt/nim/.cache/adapters' }
    expect(envOf({ lora: own })).toMatchObject({ NIM_PEFT_SOURCE: '/opt/nim/.cache/adapters' })
    expect(podSpecOf({ lora: own }).volumes.map(({ name }) => name)).toEqual(['cache', 'dshm'])
  })

  it('warns of a profile that is not for it', () => {
    expect(emitPod(aPod({ lora, loaderImage })).warnings).toEqual([expect.stringContaining('feat_lora false')])
  })

  it.each<[string, Partial<PodRequest>, string, string]>([
    [
      'no directory',
      { lora: { adapters: lora.adapters, hubImage, memory: '2Gi' } },
      'PEFT_SOURCE_REQUIRED',
      '--peft-source',
    ],
    [
      'no memory',
      { lora: { adapters: lora.adapters, hubImage, peftSource: '/p' } },
      'ADAPTER_MEMORY_REQUIRED',
      '--adapter-memory',
    ],
    ['no loader image', { lora }, 'LOADER_IMAGE_REQUIRED', '--loader-image REGISTRY/nimctl:VERSION'],
    [
      'a repository that lies outside',
      { lora: { ...lora, adapters: ['hf://org/tone'] } },
      'ADAPTER_INVALID',
      '--online',
    ],
    ['no address', { lora: { ...lora, adapters: ['tone'] } }, 'ADAPTER_INVALID', 'hf://NAMESPACE/NAME'],
    [
      'a repository without a name',
      { lora: { ...lora, adapters: ['hf://org'] } },
      'ADAPTER_INVALID',
      'hf://NAMESPACE/NAME',
    ],
    ['a way out of the directory', { lora: { ...lora, adapters: ['hf://org/..'] } }, 'ADAPTER_INVALID', 'hf://'],
    [
      'two of one name',
      { lora: { ...lora, adapters: ['s3://a/tone', 's3://b/tone/'] }, loaderImage },
      'ADAPTER_INVALID',
      'another name',
    ],
  ])('refuses %s', (_what, changes, code, next) => {
    const failure = failureOf(() => emitPod({ ...aPod(), ...changes }))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next).toContain(next)
  })
})

describe('refuses', () => {
  const ngcKey = { name: 'ngc', key: 'NGC_API_KEY' }
  it.each<[string, () => PodRequest, string, string]>([
    ['an empty volume that stays so', () => aPod({ volume: emptyDir }), 'FILES_MISSING', '--loader-image'],
    ['an image alone, without files', () => aPodOfImage({ volume: emptyDir }), 'FILES_MISSING', '--online'],
    ['a key in a disconnected pod', () => aPod({ ngcKey }), 'KEY_OFFLINE', '--online'],
    ['a token in a disconnected pod', () => aPod({ hfToken: ngcKey }), 'KEY_OFFLINE', '--online'],
    [
      'a Secret that no cluster has',
      () => aPod({ online: true, ngcKey: { ...ngcKey, name: 'a_b' } }),
      'NAME_INVALID',
      'a-b',
    ],
    ['several bare Pods', () => aPod({ form: 'pod', replicas: 2 }), 'REPLICAS_OF_POD', '--as pod'],
    ['a name with a dot', () => aPod({ name: 'llama-3.1' }), 'NAME_INVALID', 'llama-3-1'],
    ['a wrong namespace', () => aPod({ namespace: 'a.b' }), 'NAME_INVALID', 'a-b'],
    ['a wrong claim', () => aPod({ volume: { type: 'claim', claim: 'A' } }), 'NAME_INVALID', ''],
    [
      'a new claim of nobody knows what size',
      () => aPodOfImage({ online: true, volume: { type: 'new-claim' } }),
      'SIZE_REQUIRED',
      '--size',
    ],
    [
      'the loader on layout ngc',
      () => aPod({ loaderImage, header: { layout: 'ngc' } }),
      'LAYOUT_MISMATCH',
      'Leave the loader away',
    ],
    [
      'the loader on layout plain',
      () => aPod({ loaderImage, header: { layout: 'plain' } }),
      'LAYOUT_MISMATCH',
      'nimctl upload',
    ],
    [
      'a key in a URL',
      () => aPod({ loaderImage, upload: { cacheUrl: new URL('s3://u:hunter2@b/p') } }),
      'SECRET_IN_URL',
      '--store-secret',
    ],
    [
      'a profile of several',
      () => aPod({ header: { profiles: [tensorProfile, vllmProfile] } }),
      'PROFILE_REQUIRED',
      '--profile',
    ],
  ])('%s', (_case, request, code, next) => {
    const failure = failureOf(() => emitPod(request()))
    expect(failure).toMatchObject({ category: 'usage', code })
    expect(failure.next ?? '').toContain(next)
    expect(JSON.stringify([failure.message, failure.why, failure.next])).not.toContain('hunter2')
  })
})

it('as YAML says what may be adapted', () => {
  const yaml = renderYaml(emitPod(aPod({ loaderImage })), 'A test.')
  expect(yaml).toContain('# A new pod would wait for the GPUs that the old one holds.\n')
  expect(yaml).toContain('# nimctl itself, not the NIM:')
  expect(yaml).toContain(`# Profile ${tensorProfile.description}.\n`)
  expect(yaml).toContain('# No limit of memory:')
  expect(yaml).toContain('# How long loading may take.')
})
