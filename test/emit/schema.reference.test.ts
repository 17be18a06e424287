import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { emitNimCache } from '../../src/emit/nimcache/nimcache.ts'
import { emitNimService } from '../../src/emit/nimservice/nimservice.ts'
import type { EmitResult } from '../../src/emit/result.ts'
import { emitStack } from '../../src/emit/stack.ts'
import { renderYaml } from '../../src/emit/yaml.ts'
import { needsAuthSecret, operatorVersions, type OperatorVersion } from '../../src/operator/versions.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { crdFolder, reference } from '../operator/crds.ts'
import { type CrdSchema, readCrds, type Verdict } from './crd-schema.ts'
import {
  aHeader,
  anNgcRequest,
  aRequest,
  aServiceRequest,
  type Changes,
  tensorProfile,
  vllmProfile,
} from './request.ts'
import { isObject } from './structural-schema.ts'

function crdsOf(version: OperatorVersion): Map<string, CrdSchema> {
  return readCrds(crdFolder(version))
}

/** The server's own counts: reference/kubernetes.md, "CRDs against the server". */
describe('the validator agrees with the API server on the samples', () => {
  const samples = [...yamlFiles('samples/operator'), ...yamlFiles('samples/emit')]

  it.each([
    { version: 'main', ok: 40, unknownField: 1, refused: 5 },
    { version: '3.1.2', ok: 40, unknownField: 1, refused: 5 },
    { version: '3.0.2', ok: 34, unknownField: 7, refused: 5 },
  ] as const)('$version: $ok pass, $unknownField unknown, $refused refused', ({ version, ...expected }) => {
    const crds = crdsOf(version)
    const verdicts = samples.map(path => judgeText(crds, readFileSync(path, 'utf8')).verdict)
    const tally = (wanted: Verdict['verdict']) => verdicts.filter(verdict => verdict === wanted).length
    expect(samples).toHaveLength(46)
    expect({ ok: tally('ok'), unknownField: tally('unknown-field'), refused: tally('refused') }).toEqual(expected)
  })

  it('names the field and the rule', () => {
    const sample = (path: string) => readFileSync(join(reference, 'samples/operator/serving/standalone', path), 'utf8')
    expect(judgeText(crdsOf('3.1.2'), sample('routers/ingress/llm.yaml')).reasons).toEqual([
      '/spec must NOT have additional properties: router',
    ])
    expect(judgeText(crdsOf('3.1.2'), sample('autoscaling/llm.yaml')).reasons).toEqual([
      '/spec spec.replicas cannot be set when spec.scale.enabled is true',
    ])
  })
})

type Emit = (operatorVersion: OperatorVersion) => EmitResult

const stackOf =
  (changes: Changes): Emit =>
  operatorVersion =>
    emitStack(aRequest({ ...changes, operatorVersion }))

const claim = { create: false, name: 'models' }

const emits: Record<string, Emit> = {
  'a stack on layout cache': stackOf({}),
  'a stack on layout ngc': operatorVersion => emitStack(anNgcRequest({ operatorVersion })),
  'every option': stackOf({
    endpointUrl: new URL('https://s3.internal:9000'),
    inventoryDigest: `sha256:${'0'.repeat(64)}`,
    nimCacheJob: { nodeSelector: { zone: 'a' } },
    pullSecret: 'registry',
    serving: { replicas: 3, port: 9000 },
    volume: { size: '100Gi', storageClass: 'nfs', accessMode: 'ReadWriteMany' },
    storeSecret: 'store',
    storeUrl: new URL('s3://inside/llama'),
  }),
  'several profiles, manifest version 2': stackOf({
    header: aHeader({ manifestVersion: 2, profiles: [tensorProfile, vllmProfile] }),
    profile: vllmProfile.id,
  }),
  'nimlib, an image by digest': stackOf({
    header: aHeader({ family: 'nimlib', image: `nvcr.io/nim/nvidia/asr@sha256:${'cd'.repeat(32)}` }),
  }),
  'a service on an existing claim': operatorVersion =>
    emitNimService(aServiceRequest({ operatorVersion, files: { from: 'claim', claim } })),
  'a NIMCache on an existing claim': operatorVersion =>
    emitNimCache(aRequest({ operatorVersion, volume: { claimName: 'models' } })),
  'a stack with a Job': stackOf({ loader: 'job' }),
  'a file:// cache': stackOf({ cacheUrl: new URL('file:///srv/cache') }),
}

describe.each(operatorVersions)('operator %s takes', operatorVersion => {
  const crds = crdsOf(operatorVersion)

  it.each(Object.entries(emits))('%s', (_, emit) => {
    const result = emit(operatorVersion)
    for (const object of result.objects) expect(judge(crds, object)).toEqual({ verdict: 'ok', reasons: [] })
    expect(judgeText(crds, renderYaml(result, 'Made by a test.'))).toEqual({ verdict: 'ok', reasons: [] })
  })
})

it('an init container is taken by the CRD exactly where nimctl writes one', () => {
  const [object] = emitStack(aRequest({ loader: 'init' })).objects
  const taken = operatorVersions.filter(version => judge(crdsOf(version), object).verdict === 'ok')
  const written = operatorVersions.filter(
    operatorVersion => !refuses({ operatorVersion, loader: 'init' }, 'OPERATOR_TOO_OLD'),
  )
  expect(taken).toEqual(written)
})

it('authSecret may be left out exactly where nimctl leaves it out', () => {
  const [object] = emitNimService(aServiceRequest({ operatorVersion: 'main' })).objects
  const wantsIt = operatorVersions.filter(version => judge(crdsOf(version), object).verdict === 'refused')
  expect(wantsIt).toEqual(operatorVersions.filter(needsAuthSecret))
})

it('replicas 0 is refused by the CRD exactly where nimctl refuses it', () => {
  const [object] = emitNimService(aServiceRequest({ serving: noReplicas })).objects
  const refusedByCrd = operatorVersions.filter(version => judge(crdsOf(version), object).verdict === 'refused')
  const refusedByUs = operatorVersions.filter(operatorVersion => refuses({ operatorVersion, serving: noReplicas }))
  expect(refusedByCrd).toEqual(['3.0.0', '3.0.1', '3.0.2'])
  expect(refusedByUs).toEqual(refusedByCrd)
})

const noReplicas = { replicas: 0, port: 8000 }

function refuses(changes: Changes, code = 'OBJECT_INVALID'): boolean {
  try {
    emitStack(aRequest(changes))
    return false
  } catch (error) {
    return error instanceof NimctlError && error.code === code
  }
}

function yamlFiles(folder: string): string[] {
  return readdirSync(join(reference, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.yaml'))
    .map(path => join(reference, folder, path))
}

/** A file with an unknown field shows only that: strict errors come first (reference/kubernetes.md, Traps). */
function judgeText(crds: Map<string, CrdSchema>, text: string): Verdict {
  const verdicts = parseAllDocuments(text)
    .map(document => judge(crds, document.toJS()))
    .filter(({ verdict }) => verdict !== 'ok')
  return verdicts.find(({ verdict }) => verdict === 'unknown-field') ?? verdicts[0] ?? { verdict: 'ok', reasons: [] }
}

/** Core kinds have no CRD, so they are not judged here; test/emit/config-map.test.ts asserts ours whole. */
function judge(crds: Map<string, CrdSchema>, object: unknown): Verdict {
  const kind = isObject(object) && typeof object['kind'] === 'string' ? object['kind'] : ''
  return crds.get(kind)?.judge(object) ?? { verdict: 'ok', reasons: [] }
}
