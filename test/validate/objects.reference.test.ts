import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { operatorVersions } from '../../src/operator/versions.ts'
import { findings, judge } from './judge-objects.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const reference = process.env['NIMCTL_REFERENCE_DIR'] ?? join(repository, '..', 'shared')

/** What the API server refuses, or drops, with the reason in the operator's own samples (reference/operator.md, section 7). */
const wrong: Record<string, string> = {
  'serving/standalone/full/llm.yaml': 'objects.refused',
  'serving/standalone/full/multi-llm.yaml': 'objects.refused',
  'serving/standalone/autoscaling/llm.yaml': 'objects.refused',
  'serving/standalone/autoscaling/multi-llm.yaml': 'objects.refused',
  'serving/kserve/standard/llm.yaml': 'objects.refused',
  'serving/standalone/routers/ingress/llm.yaml': 'objects.dropped',
}

const samples = readdirSync(join(reference, 'samples/operator'), { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.yaml'))
  .toSorted()

function sample(path: string): string {
  return readFileSync(join(reference, 'samples', path), 'utf8')
}

const ofOperator = ['objects.syntax', 'objects.refused', 'objects.dropped', 'objects.fails', 'objects.kind']

describe('samples of the operator', () => {
  it('are all looked at', () => {
    expect(samples).toHaveLength(43)
    expect(samples).toEqual(expect.arrayContaining(Object.keys(wrong)))
  })

  it.each(samples.filter(path => wrong[path] === undefined))('%s has no fault but the air gap', async path => {
    for (const operatorVersion of ['3.1.2', 'main'] as const) {
      const checks = await judge(sample(`operator/${path}`), { operatorVersion })
      expect(findings(checks.filter(({ name }) => ofOperator.includes(name)))).toEqual([])
    }
  })

  it.each(Object.entries(wrong))('%s is wrong from 3.0.2 on: %s', async (path, name) => {
    for (const operatorVersion of operatorVersions.slice(operatorVersions.indexOf('3.0.2'))) {
      const checks = await judge(sample(`operator/${path}`), { operatorVersion, online: true })
      expect(checks.filter(({ status }) => status === 'failed').map(check => check.name)).toContain(name)
    }
  })

  it.each(samples)('%s says that its images are of nvcr.io', async path => {
    const text = sample(`operator/${path}`)
    expect((await judge(text)).map(({ name }) => name).includes('objects.registry')).toBe(text.includes('nvcr.io/'))
  })

  it.each(['s3', 'https', 'jfrog'])('the mirror of NGC over %s is a source inside', async kind => {
    const checks = await judge(sample(`operator/caching/ngc-mirror/${kind}/nimcache-llm.yaml`))
    expect(checks.map(({ name }) => name)).not.toContain('objects.model-source')
  })
})

describe('shapes of emit', () => {
  it.each([
    { path: 'a-pvc-loader-job.yaml', expected: [] },
    { path: 'b-init-container.yaml', expected: [] },
    {
      path: 'c-nimcache-override.yaml',
      expected: ['objects.key NIMPipeline/rag .spec.services[0].spec.authSecret'],
    },
  ])('$path', async ({ path, expected }) => {
    const checks = await judge(sample(`emit/${path}`), { registries: ['registry.example.com'] })
    const failed = findings(checks.filter(({ status }) => status === 'failed'))
    expect(failed.map(line => line.replace(/ \d+ /, ' '))).toEqual(expected)
  })

  it('b loses its loader with 3.0.2', async () => {
    const checks = await judge(sample('emit/b-init-container.yaml'), { operatorVersion: '3.0.2' })
    expect(findings(checks)).toContainEqual(
      expect.stringMatching(/^objects.dropped \d+ NIMService\S+ \.spec\.initContainers$/),
    )
  })
})

/** The YAML of the documents that the users started from. */
describe('seeds', () => {
  const seed = (number: string) => {
    const name = readdirSync(join(reference, 'seeds')).find(each => each.startsWith(number)) ?? ''
    return readFileSync(join(reference, 'seeds', name), 'utf8')
  }

  /** From one line to another. */
  const piece = (text: string, from: string, to: string) => {
    const start = text.indexOf(from)
    expect(start).toBeGreaterThan(-1)
    const end = text.indexOf(to, start)
    expect(end).toBeGreaterThan(start)
    return text.slice(start, end)
  }

  const caches = () => {
    const [, ngc = '', universal = '', hub = ''] = seed('000').split(/^apiVersion : /m)
    const end = (text: string, mark: RegExp) => `apiVersion : ${text.split(mark)[0] ?? ''}`
    return {
      ngc: end(ngc, /^Universal NIM/m),
      universal: end(universal, /^HuggingFace Model/m),
      hub: end(hub, /NIMBuild$/m).replace('custom-ca-certsNIMBuild', 'custom-ca-certs'),
    }
  }

  it.each(['ngc', 'universal', 'hub'] as const)('000: the NIMCache of %s lost its indentation', async kind => {
    expect(findings(await judge(caches()[kind]))).toEqual(['objects.indentation 4 NIMCache/(no name) .name'])
  })

  /** As the page must have had them. */
  const indented = (text: string) => {
    const depth: Record<string, number> = {
      ...Object.fromEntries(['apiVersion', 'kind', 'metadata', 'spec'].map(name => [name, 0])),
      ...Object.fromEntries(
        ['name', 'source', 'storage', 'resources', 'nodeSelector', 'tolerations', 'proxy'].map(name => [name, 1]),
      ),
      ...Object.fromEntries(
        ['ngc', 'hf', 'pvc', 'cpu', 'memory', 'nvidia.com/gpu.product', 'httpsProxy', 'noProxy', 'certConfigMap'].map(
          name => [name, 2],
        ),
      ),
      ...Object.fromEntries(
        [
          'authSecret',
          'modelPuller',
          'pullSecret',
          'model',
          'modelEndpoint',
          'endpoint',
          'modelName',
          'revision',
          'create',
          'storageClass',
          'size',
          'volumeAccessMode',
        ].map(name => [name, 3]),
      ),
      ...Object.fromEntries(['profiles', 'precision', 'tensorParallelism', 'gpus'].map(name => [name, 4])),
    }
    let inSource = false
    let item = 0
    return text
      .split('\n')
      .filter(line => !line.startsWith('#'))
      .map(line => {
        const name = /^(- )?([\w./]+) :/.exec(line)?.[2] ?? ''
        if (name === 'source') inSource = true
        if (line.startsWith('- ')) return `${'  '.repeat(item)}${line}`
        if (['operator', 'effect'].includes(name)) return `${'  '.repeat(item)}  ${line}`
        const level = name === 'namespace' ? (inSource ? 3 : 1) : (depth[name] ?? 0)
        item = level + 1
        return `${'  '.repeat(level)}${line}`
      })
      .join('\n')
  }

  it.each([
    {
      kind: 'ngc',
      expected: [
        'objects.refused .spec.source.ngc.model.gpus',
        'objects.refused .spec.source.ngc.model.precision',
        'objects.refused .spec.source.ngc.model.tensorParallelism',
        'objects.registry .spec.source.ngc.modelPuller',
        'objects.model-source .spec.source.ngc',
        'objects.image-tag .spec.source.ngc.modelPuller',
      ],
    },
    {
      kind: 'universal',
      expected: [
        'objects.registry .spec.source.ngc.modelPuller',
        'objects.model-source .spec.source.ngc.modelEndpoint',
        'objects.image-tag .spec.source.ngc.modelPuller',
      ],
    },
    {
      kind: 'hub',
      expected: [
        'objects.registry .spec.source.hf.modelPuller',
        'objects.image-tag .spec.source.hf.modelPuller',
        'objects.model-source .spec.source.hf.endpoint',
      ],
    },
  ] as const)('000: with its indentation, the NIMCache of $kind', async ({ kind, expected }) => {
    const found = findings(await judge(indented(caches()[kind])))
    const short = found.map(line => line.replace(/ \d+ \S+/, ''))
    expect(short).toEqual(expect.arrayContaining([...expected]))
  })

  it('001: the Job that lists profiles takes a key, and its image is left open', async () => {
    const text = piece(seed('001'), 'apiVersion: batch/v1', '\nExample output')
    const failed = findings((await judge(text)).filter(({ status }) => status === 'failed'))
    expect(failed.map(line => line.replace(/ \d+ /, ' '))).toEqual([
      'objects.image Job/nim-list-job .spec.template.spec.containers[0].image',
      'objects.key Job/nim-list-job .spec.template.spec.containers[0].env[0]',
    ])
  })

  it('004: the NIMService of the article scales without metrics, and its gateway lacks what it needs', async () => {
    const text = piece(seed('004'), 'apiVersion: apps.nvidia.com/v1alpha1', '\nThe request path')
    const found = findings(await judge(text))
    const short = found.map(line => line.replace(/ \d+ \S+/, ''))
    expect(short).toEqual(
      expect.arrayContaining([
        'objects.refused .spec.authSecret',
        'objects.refused .spec.expose.router.gateway.namespace',
        'objects.refused .spec.expose.router.hostDomainName',
        'objects.registry .spec.image',
        'objects.profile .spec.storage.nimCache',
      ]),
    )
  })
})
