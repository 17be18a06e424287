import { describe, expect, it } from 'vitest'

import { openCheckLog } from '../../src/system/check.ts'
import { knownChecks } from '../../src/validate/catalogue.ts'
import { findings, judge } from './judge-objects.ts'

const service = (spec: string, kind = 'NIMService') => `apiVersion: apps.nvidia.com/v1alpha1
kind: ${kind}
metadata: {name: llama, namespace: nim}
spec:
${spec.replaceAll(/^/gm, '  ')}
`

/** With nothing to be said of it. */
const whole = `image: {repository: registry.internal:5000/nim/meta/llama, tag: "1.8.4", pullSecrets: [registry]}
authSecret: unused
env:
- {name: NGC_API_KEY, value: ""}
- {name: HF_HUB_OFFLINE, value: "1"}
storage:
  nimCache: {name: llama, profile: 0494aafc}
replicas: 1
resources: {limits: {nvidia.com/gpu: 1}, requests: {nvidia.com/gpu: 1}}
expose: {service: {type: ClusterIP, port: 8000}}`

const cache = (source: string, more = '') =>
  service(
    `source:\n${source.replaceAll(/^/gm, '  ')}\nstorage: {pvc: {create: true, size: 50Gi, volumeAccessMode: ReadWriteMany}}\nnodeSelector: {kubernetes.io/os: linux}\n${more}`,
    'NIMCache',
  )

const pod = (spec: string) => `apiVersion: v1
kind: Pod
metadata: {name: nim}
spec:
${spec.replaceAll(/^/gm, '  ')}
`

it('finds nothing in what is well, and says so', async () => {
  const checks = await judge(service(whole))
  expect(findings(checks)).toEqual([])
  expect(checks).toEqual([
    { name: 'objects.object', status: 'ok', method: 'structure', path: 'a.yaml:1 NIMService/llama' },
  ])
})

describe('rules of the operator', () => {
  it('names the line, the object and the field', async () => {
    const checks = await judge(service(whole.replace('replicas: 1', 'replicas: many')))
    expect(findings(checks)).toEqual(['objects.refused 12 NIMService/llama .spec.replicas'])
    expect(checks[0]).toMatchObject({ status: 'failed', found: expect.stringContaining('wrong-type: ') })
  })

  it('shows a number as it was written, which is not as YAML has read it', async () => {
    const checks = await judge(service(whole.replace('tag: "1.8.4"', 'tag: 1.10')))
    expect(findings(checks)).toEqual(['objects.refused 5 NIMService/llama .spec.image.tag'])
    expect(checks[0]).toMatchObject({ next: 'Write it in quotes: "1.10"' })
  })

  it('does not repeat the value of a variable', async () => {
    const checks = await judge(service(whole.replace('env:\n', 'env:\n- {name: DB_PASSWORD, value: 12345678}\n')))
    expect(findings(checks)).toContain('objects.refused 8 NIMService/llama .spec.env[0].value')
    expect(JSON.stringify(checks)).not.toContain('12345678')
  })

  it('says which fields an older operator drops', async () => {
    const text = service(`${whole}\ninitContainers:\n- {name: a, image: {repository: registry.internal/a, tag: "1"}}`)
    expect(findings(await judge(text))).toEqual([])
    expect(findings(await judge(text, { operatorVersion: '3.0.2' }))).toEqual([
      'objects.dropped 15 NIMService/llama .spec.initContainers',
    ])
  })

  it('looks into every item of a List', async () => {
    const items = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'apps.nvidia.com/v1alpha1', kind: 'NIMCache', metadata: { name: 'a' }, spec: { sorce: {} } },
      ],
    }
    const checks = await judge(JSON.stringify(items, undefined, 2))
    expect(findings(checks)).toContain('objects.dropped 12 NIMCache/a .spec.sorce')
  })

  it('does not say anything of kinds that it does not know', async () => {
    const checks = await judge('apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: a}\nspec: {}\n')
    expect(findings(checks)).toEqual(['objects.kind 2 Issuer/a .kind'])
    expect(checks[0]?.status).toBe('not-provable')
  })

  it('tells two objects of one name', async () => {
    const checks = await judge(`${service(whole)}---\n${service(whole)}`)
    expect(findings(checks)).toEqual(['objects.fails 18 NIMService/llama .metadata.name'])
  })
})

describe('images', () => {
  it.each([
    { image: 'nvcr.io/nim/meta/llama', tag: '"1.8.4"', name: 'objects.registry' },
    { image: 'registry.internal/nim/meta/llama', tag: 'latest', name: 'objects.image-tag' },
    { image: '<your-registry>/nim/meta/llama', tag: '"1.8.4"', name: 'objects.image' },
  ])('$image:$tag is $name', async ({ image, tag, name }) => {
    const text = service(whole.replace('registry.internal:5000/nim/meta/llama', image).replace('"1.8.4"', tag))
    expect(findings(await judge(text))).toEqual([`${name} 5 NIMService/llama .spec.image`])
  })

  it('takes a digest that the operator puts together', async () => {
    const text = service(whole.replace('meta/llama,', 'meta/llama@sha256,').replace('1.8.4', 'ab'.repeat(32)))
    expect(findings(await judge(text))).toEqual([])
  })

  it('lets only the registries pass that are named, by whole names', async () => {
    const registries = (...names: string[]) => judge(service(whole), { registries: names })
    expect(findings(await registries('registry.internal:5000'))).toEqual([])
    expect(findings(await registries('other.internal', 'registry.internal:5000/nim'))).toEqual([])
    expect(findings(await registries('registry.internal:5000/ni'))).toEqual([
      'objects.registry 5 NIMService/llama .spec.image',
    ])
  })

  it.each([
    [
      'a Deployment',
      'apps/v1',
      'Deployment',
      'spec: {template: {spec: {containers: [{name: a, image: quay.io/a:1}]}}}',
    ],
    [
      'a CronJob',
      'batch/v1',
      'CronJob',
      'spec: {jobTemplate: {spec: {template: {spec: {initContainers: [{name: a, image: quay.io/a:1}]}}}}}',
    ],
    [
      'an InferenceService',
      'serving.kserve.io/v1beta1',
      'InferenceService',
      'spec: {predictor: {model: {image: quay.io/a:1}}}',
    ],
  ])('looks into %s', async (_, apiVersion, kind, spec) => {
    const checks = await judge(`apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n${spec}\n`)
    expect(checks.map(({ name }) => name)).toContain('objects.registry')
  })
})

describe('keys that make a NIM call home', () => {
  it.each([
    { version: '3.1.2', says: 'value: ""' },
    { version: 'main', says: 'Leave it away' },
  ] as const)('authSecret, and what to do with operator $version', async ({ version, says }) => {
    const text = service(whole.replace('- {name: NGC_API_KEY, value: ""}\n', ''))
    const checks = await judge(text, { operatorVersion: version })
    expect(findings(checks)).toEqual(['objects.key 6 NIMService/llama .spec.authSecret'])
    expect(checks[0]?.next).toContain(says)
  })

  it.each([
    '- {name: NGC_API_KEY, valueFrom: {secretKeyRef: {name: a, key: b}}}',
    '- {name: HF_TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}\n- {name: NGC_API_KEY, value: ""}',
  ])('%s', async variable => {
    const checks = await judge(service(whole.replace('- {name: NGC_API_KEY, value: ""}', variable)))
    expect(findings(checks)).toEqual(['objects.key 8 NIMService/llama .spec.env[0]'])
  })

  it('a whole Secret that is among the objects, and its value stays unsaid', async () => {
    const text = `${pod('containers:\n- {name: a, image: registry.internal/tool:1, envFrom: [{secretRef: {name: ngc}}]}')}---
apiVersion: v1
kind: Secret
metadata: {name: ngc}
stringData: {NGC_API_KEY: nvapi-0123456789abcdef}
`
    const checks = await judge(text)
    expect(findings(checks)).toEqual([
      'objects.key 6 Pod/nim .spec.containers[0].envFrom[0]',
      'objects.plain-secret 11 Secret/ngc .stringData.NGC_API_KEY',
    ])
    expect(JSON.stringify(checks)).not.toContain('0123456789')
  })

  it('lets a mirror of NGC have one', async () => {
    const mirror = '- {name: NGC_API_ENDPOINT, value: mirror.internal/artifactory/api/nimmodel/nim}'
    expect(findings(await judge(service(whole.replace('- {name: NGC_API_KEY, value: ""}', mirror))))).toEqual([])
  })
})

describe('where the model comes from', () => {
  const ngc = 'ngc: {modelPuller: "registry.internal/nim/a:1", authSecret: store, model: {profiles: [0494aafc]}}'
  const hub = (endpoint: string) =>
    `hf: {endpoint: "${endpoint}", namespace: meta, modelName: llama, authSecret: a, modelPuller: "registry.internal/a:1", pullSecret: b}`

  it.each([
    { what: 'NGC', source: ngc, more: '', expected: ['objects.model-source 6 NIMCache/llama .spec.source.ngc'] },
    {
      what: 'NGC by the override',
      source: ngc,
      more: 'env: [{name: NIM_REPOSITORY_OVERRIDE, value: "s3://nim/"}]',
      expected: [],
    },
    {
      what: 'NGC by nimctl',
      source: ngc,
      more: 'env: [{name: NIMCTL_CACHE_URL, value: "s3://models/llama"}]',
      expected: [],
    },
    {
      what: 'Hugging Face',
      source: hub('https://huggingface.co'),
      more: '',
      expected: ['objects.model-source 6 NIMCache/llama .spec.source.hf.endpoint'],
    },
    { what: 'a hub inside', source: hub('https://hub.internal'), more: '', expected: [] },
    {
      what: 'a service of the cluster',
      source: hub('http://nemo.nemo.svc.cluster.local:8000/v1/hf'),
      more: '',
      expected: [],
    },
  ])('$what', async ({ source, more, expected }) => {
    expect(findings(await judge(cache(source, more)))).toEqual(expected)
  })

  it('only warns where a proxy leads outside', async () => {
    const checks = await judge(cache(ngc, 'proxy: {httpsProxy: "http://proxy.internal:3128"}'))
    expect(checks.find(({ name }) => name === 'objects.model-source')?.status).toBe('warning')
  })

  it.each([
    { storage: 'emptyDir: {}', at: '.spec.storage.emptyDir' },
    { storage: 'pvc: {create: true, size: 50Gi, volumeAccessMode: ReadWriteMany}', at: '.spec.storage.pvc' },
  ])('a service on $storage would download', async ({ storage, at }) => {
    const empty = whole.replace('nimCache: {name: llama, profile: 0494aafc}', storage)
    const pinned = empty.replace('env:\n', 'env:\n- {name: NIM_MODEL_PROFILE, value: 0494aafc}\n')
    expect(findings(await judge(service(pinned)))).toContain(`objects.empty-storage 12 NIMService/llama ${at}`)
    const loaded = `${pinned}\ninitContainers:\n- {name: a, image: {repository: registry.internal/a, tag: "1"}}`
    expect((await judge(service(loaded))).map(({ name }) => name)).not.toContain('objects.empty-storage')
  })

  it('a service without a pinned profile', async () => {
    const checks = await judge(service(whole.replace(', profile: 0494aafc', '')))
    expect(findings(checks)).toContain('objects.profile 11 NIMService/llama .spec.storage.nimCache')
  })

  it('a plain pod of a NIM without a volume', async () => {
    const text = pod('containers:\n- {name: a, image: registry.internal/nim/meta/llama:1.8.4}')
    expect(findings(await judge(text))).toEqual(['objects.empty-storage 6 Pod/nim .spec.containers[0]'])
  })
})

describe('what else asks outside', () => {
  const running = (command: string, env = '[]') =>
    pod(
      `containers:\n- name: a\n  image: registry.internal/tool:1\n  env: ${env}\n  command: [sh, -c]\n  args: [${JSON.stringify(command)}]`,
    )

  it.each([
    'pip install -U "huggingface_hub[cli]"',
    'apt-get -y update && apt-get install -y curl',
    'huggingface-cli download org/lora --local-dir /loras',
    'curl -fsSL https://raw.githubusercontent.com/a/b/install.sh | sh',
    'git clone https://github.com/a/b',
  ])('%s', async command => {
    const checks = await judge(running(command))
    expect(new Set(findings(checks))).toEqual(new Set(['objects.fetch 10 Pod/nim .spec.containers[0].args']))
    expect(checks[0]?.status).toBe('failed')
  })

  it.each([
    'pip install --index-url https://pypi.internal/simple huggingface_hub',
    'curl -fsS http://files.nim.svc:8080/model.tar',
    'cp -r /scratch/. /model-store',
  ])('%s stays inside', async command => {
    expect(findings(await judge(running(command)))).toEqual([])
  })

  it('cannot know of every host', async () => {
    const [check] = await judge(running('wget https://files.example.com/a'))
    expect(check).toMatchObject({ name: 'objects.fetch', status: 'not-provable' })
  })

  it.each([
    { env: '[{name: NIM_TELEMETRY_MODE, value: "1"}]', name: 'objects.telemetry' },
    { env: '[{name: HF_HUB_OFFLINE, value: "0"}]', name: 'objects.telemetry' },
    { env: '[{name: HF_ENDPOINT, value: "https://huggingface.co"}]', name: 'objects.outside-address' },
    { env: '[{name: DB_PASSWORD, value: hunter2hunter2}]', name: 'objects.plain-secret' },
    { env: '[{name: DB_PASSWORD, value: REPLACE}]', name: undefined },
    { env: '[{name: AWS_ENDPOINT_URL, value: "https://s3.internal"}]', name: undefined },
  ])('$env', async ({ env, name }) => {
    const checks = await judge(running('true', env))
    expect(checks.filter(({ status }) => status !== 'ok').map(check => check.name)).toEqual(
      name === undefined ? [] : [name],
    )
    expect(JSON.stringify(checks)).not.toContain('hunter2')
  })

  it('is not said of a cluster that is online', async () => {
    const text = running('pip install a', '[{name: HF_TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}]')
    expect(findings(await judge(text, { online: true }))).toEqual([])
  })
})

describe('a pod of its own', () => {
  it('has rights that no NIM needs', async () => {
    const text = pod(
      'hostNetwork: true\nsecurityContext: {runAsUser: 0}\ncontainers:\n- {name: a, image: registry.internal/a:1, securityContext: {privileged: true}}',
    )
    expect(findings(await judge(text))).toEqual([
      'objects.rights 5 Pod/nim .spec.hostNetwork',
      'objects.rights 8 Pod/nim .spec.containers[0].securityContext.privileged',
      'objects.rights 8 Pod/nim .spec.containers[0].securityContext',
    ])
  })

  it('has GPUs in requests alone', async () => {
    const text = pod(
      'containers:\n- {name: a, image: registry.internal/a:1, resources: {requests: {nvidia.com/gpu: 1}}}',
    )
    expect(findings(await judge(text))).toEqual(['objects.gpus 6 Pod/nim .spec.containers[0].resources'])
  })
})

describe('text that is no object', () => {
  it.each([
    ['a key twice', 'a: 1\na: 2\n', 2],
    ['a tab', 'a:\n\tb: 1\n', 2],
    ['an unknown alias', 'a: *b\n', 1],
    ['a bracket that stays open', 'a: [1, 2\n', 2],
    ['brackets without end', '['.repeat(20_000), 1],
  ])('%s', async (_, text, line) => {
    const checks = await judge(text)
    expect(checks[0]).toMatchObject({ name: 'objects.syntax', status: 'failed', path: `a.yaml:${line}` })
  })

  it('does not unfold aliases without end', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, index) => `l${index + 1}: &l${index + 1} [${`*l${index},`.repeat(10)}]`,
    )
    const [check] = await judge(['l0: &l0 [x]', ...levels].join('\n'))
    expect(check).toMatchObject({ name: 'objects.syntax', found: expect.stringMatching(/alias/i) })
  })

  it('reads the documents beside a broken one', async () => {
    const checks = await judge(`a: 1\na: 2\n---\n${service(whole)}`)
    expect(checks.map(({ name }) => name)).toEqual(['objects.syntax', 'objects.object'])
  })

  it('says once that the indentation is lost', async () => {
    const flat =
      'apiVersion : apps.nvidia.com/v1alpha1\nkind : NIMCache\nmetadata :\nname : a\nspec :\nsource :\nngc :\nauthSecret : b\n'
    expect(findings(await judge(flat))).toEqual(['objects.indentation 4 NIMCache/(no name) .name'])
  })

  it.each(['- 1\n- 2\n', 'some text\n', '42\n'])('%j is no object', async text => {
    expect(findings(await judge(text))).toEqual(['objects.syntax 1 (no kind)/(no name)'])
  })

  it('reads words and numbers as kubectl does', async () => {
    const text = service(`${whole}\nmetrics: {enabled: yes, serviceMonitor: {interval: 30s}}`)
    expect(findings(await judge(text))).toEqual([])
  })
})

it('makes no check that the catalogue does not have', async () => {
  expect(openCheckLog({ only: ['objects.*'], failOn: 'failed' }).wants('objects.refused')).toBe(true)
  const names = knownChecks.filter(({ name }) => name.startsWith('objects.')).map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining((await judge(service('image: {}'))).map(({ name }) => name)))
})
