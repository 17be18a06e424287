import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'

import { cacheJob } from '../../src/cache/build-by-job.ts'
import { emitted } from '../../src/emit/result.ts'
import { renderYaml } from '../../src/emit/yaml.ts'
import { makeJob, type PodSettings } from '../../src/kubernetes/job.ts'
import { listJob } from '../../src/profiles/job-source.ts'

const settings: PodSettings = {
  serviceAccount: 'nim',
  pullSecret: 'regcred',
  nodeSelector: { 'nvidia.com/gpu': 'true' },
  tolerations: [],
  runtimeClass: 'nvidia',
  gpus: 1,
  runAs: { uid: 26, gid: 26, fsGroup: 26 },
}
const image = 'registry.internal:5000/nim/nvidia/llama-3.2-nv-embedqa-1b-v2:1.10'
const key = { name: 'NGC_API_KEY', valueFrom: { secretKeyRef: { name: 'nvidia-nim-secrets', key: 'NGC_API_KEY' } } }
const bare: PodSettings = { nodeSelector: {}, tolerations: [] }

describe('the Job that lists', () => {
  const job = listJob(
    { image, family: 'llm', namespace: 'nim', settings, env: [key] },
    { command: ['list-model-profiles'] },
  )

  it('is what people write by hand for it', () => {
    expect(job).toMatchObject({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { namespace: 'nim' },
      spec: {
        backoffLimit: 0,
        template: {
          spec: {
            restartPolicy: 'Never',
            serviceAccountName: 'nim',
            runtimeClassName: 'nvidia',
            nodeSelector: { 'nvidia.com/gpu': 'true' },
            tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
            imagePullSecrets: [{ name: 'regcred' }],
            securityContext: {
              runAsNonRoot: true,
              runAsUser: 26,
              runAsGroup: 26,
              fsGroup: 26,
              seccompProfile: { type: 'RuntimeDefault' },
            },
            containers: [
              {
                image,
                args: ['list-model-profiles'],
                env: [{ name: 'NIM_CACHE_PATH', value: '/opt/nim/.cache' }, key],
                resources: { limits: { 'nvidia.com/gpu': '1' }, requests: { 'nvidia.com/gpu': '1' } },
                securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
              },
            ],
          },
        },
      },
    })
  })

  it('has the same name for the same request, and another for another', () => {
    const again = listJob(
      { image, family: 'llm', namespace: 'nim', settings, env: [key] },
      { command: ['list-model-profiles'] },
    )
    const other = listJob(
      { image, family: 'llm', namespace: 'nim', settings, env: [] },
      { command: ['list-model-profiles'] },
    )
    expect(again.metadata.name).toBe(job.metadata.name)
    expect(other.metadata.name).not.toBe(job.metadata.name)
    expect(job.metadata.name).toMatch(/^nimctl-profiles-llama-3-2-nv-embedqa-1b-v2-1-10-[0-9a-f]{8}$/)
  })

  it.each([
    'x/'.repeat(20) + 'a-very-long-name-of-an-image-that-goes-on-and-on-and-on-and-on:1.2.3-with-a-tag',
    `registry/Image_of.Odd--Characters@sha256:${'0'.repeat(64)}`,
  ])('has a name that a label can hold: %s', odd => {
    const { name } = makeJob({
      task: 'cache',
      settings: bare,
      steps: [{ name: 'c', image: odd, command: [] }],
    }).metadata
    expect(name.length).toBeLessThanOrEqual(63)
    expect(name).toMatch(/^[a-z]([-a-z0-9]*[a-z0-9])?$/)
  })

  it('does not say twice what is tolerated', () => {
    const tolerations = [{ key: 'nvidia.com/gpu', operator: 'Equal', value: 'present' }]
    const own = listJob({ image, family: 'llm', settings: { ...settings, tolerations }, env: [] }, { command: ['l'] })
    expect(own.spec?.template.spec?.tolerations).toEqual(tolerations)
  })
})

describe('the Job that fills a claim', () => {
  const run = { env: { NIM_CACHE_PATH: '/opt/nim/.cache' }, target: '/opt/nim/.cache' }
  const request = { image, run, place: { claim: 'model-cache', path: 'llama' }, settings, env: [] } as const
  const job = cacheJob({ ...request, env: [] }, { command: ['download-to-cache', '--profiles', 'abc'] })
  const { initContainers: [download] = [], containers: [list] = [], volumes } = job.spec?.template.spec ?? {}

  it('downloads first, then lists what lies there, in the same place', () => {
    expect(download).toMatchObject({
      args: ['download-to-cache', '--profiles', 'abc'],
      volumeMounts: [{ mountPath: '/opt/nim/.cache', subPath: 'llama' }],
    })
    expect(list).toMatchObject({
      image,
      args: ['/opt/nim/.cache'],
      volumeMounts: [{ mountPath: '/opt/nim/.cache', subPath: 'llama', readOnly: true }],
    })
    expect(volumes).toEqual([{ name: 'cache', persistentVolumeClaim: { claimName: 'model-cache' } }])
  })

  it('gives GPUs to the download alone', () => {
    expect(download?.resources?.limits).toEqual({ 'nvidia.com/gpu': '1' })
    expect(list?.resources).toBeUndefined()
  })

  it('lists with another image where it is told to', () => {
    const other = cacheJob({ ...request, env: [], checkImage: 'busybox:1.36' }, { command: [] })
    expect(other.spec?.template.spec?.containers[0]?.image).toBe('busybox:1.36')
    expect(other.spec?.template.spec?.initContainers?.[0]?.image).toBe(image)
  })
})

it("leaves the image's own user where none is named", () => {
  const { securityContext } = makeJob({ task: 't', settings: bare, steps: [] }).spec?.template.spec ?? {}
  expect(securityContext).toEqual({ seccompProfile: { type: 'RuntimeDefault' } })
})

it('gives shared memory to the NIM alone', () => {
  const steps = [
    { name: 'nim', image, command: [], isNim: true },
    { name: 'other', image, command: [] },
  ]
  const { spec } = makeJob({ task: 't', settings: { ...bare, shmSize: 2 ** 30 }, steps }).spec?.template ?? {}
  expect(spec?.volumes).toEqual([{ name: 'dshm', emptyDir: { medium: 'Memory', sizeLimit: '1073741824' } }])
  expect(spec?.containers.map(({ volumeMounts }) => volumeMounts)).toEqual([
    [{ name: 'dshm', mountPath: '/dev/shm' }],
    undefined,
  ])
})

it('prints YAML in which text stays text, and nothing refers to elsewhere', () => {
  const env = [
    { name: 'YES', value: 'yes' },
    { name: 'VERSION', value: '1.10' },
    { name: 'EMPTY', value: '' },
    { name: 'LINES', value: 'a: b\n# c' },
  ]
  const job = listJob({ image, family: 'llm', settings, env }, { command: ['list-model-profiles'] })
  const text = renderYaml(emitted({ objects: [job] }), 'test')
  expect(text).toContain('value: "yes"')
  expect(text).toContain('value: "1.10"')
  expect(text).not.toMatch(/[&*]a\d/)
  // As a reader of YAML 1.1 takes it, which Kubernetes' is.
  expect(parse(text.replace(/^[^]*?---\n/, ''), { version: '1.1' })).toEqual(JSON.parse(JSON.stringify(job)))
})
