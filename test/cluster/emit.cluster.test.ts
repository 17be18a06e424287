import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { checkObject } from '../../src/operator/check-object.ts'
import { checkUpdate } from '../../src/operator/check-update.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import { isObject } from '../emit/structural-schema.ts'
import { installCrds } from './crds.ts'
import { makeEmitPlace } from './emit-place.ts'
import { emitRows, isFor, triedVersions } from './emit-rows.ts'
import { emitRow } from './emitted.ts'
import { readSamples } from './samples.ts'
import { type ApiServer, startApiServer } from './start-api-server.ts'

let server: ApiServer
let place: Record<string, string>
beforeAll(async () => {
  ;[server, place] = await Promise.all([startApiServer(), makeEmitPlace()])
})
afterAll(() => server.stop())

const dryRun = ['apply', '--dry-run=server', '--validate=strict', '-f', '-']

/** Of the operator's samples and the three shapes; six are wrong for every version that has their fields. */
const refusedSamples = { '3.0.0': 9, '3.0.2': 12, '3.1.0': 6, '3.1.2': 6, main: 6 }

/**
 * Where the server and nimctl's own rules say different things of a sample, by version: nimctl also knows what the
 * operator's webhook refuses, and no webhook runs here.
 */
const webhookOnly: Record<string, string[]> = {
  // KServe in knative mode scales by itself. Later CRDs refuse the same sample for `replicas` beside `scale`.
  '3.0.0': ['operator/serving/kserve/standard/llm.yaml 1'],
}

describe.each(triedVersions)('under the CRDs of operator %s', version => {
  beforeAll(() => installCrds(server, version))

  it('the server takes every object that emit writes', async () => {
    const rows = emitRows.filter(row => isFor(row, version))
    const emitted = await Promise.all(rows.map(row => emitRow(row, { version, place })))
    const objects = emitted.flatMap(each => each.objects).filter(isKnown)
    await makeNamespaces(objects)
    const yaml = emitted.flatMap(each => parseAllDocuments(each.yaml)).filter(document => isKnown(document.toJS()))
    const said = await server.kubectl(dryRun, yaml.map(String).join('\n---\n'))
    expect(said.trim().split('\n')).toHaveLength(objects.length)
  })

  it('the server and nimctl say the same of the samples, right and wrong', async () => {
    const judged = await Promise.all(
      readSamples().map(async ({ name, object }) => ({
        name,
        byServer: (await server.ask('POST', createPath(object), inDefault(object))).status >= 300,
        byUs: checkObject(object, version).some(({ severity }) => severity === 'refused' || severity === 'dropped'),
      })),
    )
    const differing = judged.filter(({ byServer, byUs }) => byServer !== byUs)
    expect(differing.map(({ name, byUs }) => ({ name, byUs }))).toEqual(
      (webhookOnly[version] ?? []).map(name => ({ name, byUs: true })),
    )
    expect(judged.filter(({ byServer }) => byServer)).toHaveLength(refusedSamples[version])
  })
})

/** No CRDs of KServe are at hand. */
function isKnown(object: unknown): boolean {
  return isObject(object) && !String(object['apiVersion']).startsWith('serving.kserve.io/')
}

/** A dry run makes none. */
async function makeNamespaces(objects: readonly Record<string, unknown>[]): Promise<void> {
  const names = new Set(objects.flatMap(({ metadata }) => (isObject(metadata) ? (metadata['namespace'] ?? []) : [])))
  const items = [...names].map(name => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
  await server.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
}

function createPath({ apiVersion, kind }: KubernetesObject): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  return `${group}/namespaces/default/${kind.toLowerCase()}s?dryRun=All&fieldValidation=Strict`
}

function inDefault(object: KubernetesObject): KubernetesObject {
  return { ...object, metadata: { ...object.metadata, namespace: 'default' } }
}

describe('once they are there, the server and nimctl refuse to change', () => {
  beforeAll(() => installCrds(server, 'main'))

  const operatorApi = 'apps.nvidia.com/v1alpha1'
  const image = { repository: 'registry.internal/nim', tag: '1' }
  const source = { ngc: { modelPuller: 'registry.internal/nimctl:1', authSecret: 'store' } }
  const service = { image, authSecret: 'none', expose: { service: { port: 8000 } } }

  it.each([
    {
      what: 'the image that fills a NIMCache',
      object: { kind: 'NIMCache', spec: { source, storage: { pvc: { name: 'models' } } } },
      change: { source: { ngc: { ...source.ngc, modelPuller: 'registry.internal/nimctl:2' } } },
      message: 'modelPuller is an immutable field',
    },
    {
      what: 'a NIMBuild',
      object: { kind: 'NIMBuild', spec: { nimCache: { name: 'llama' }, image } },
      change: { nimCache: { name: 'llama', profile: 'a' } },
      message: 'spec is immutable',
    },
    {
      what: 'the claims for devices of a NIMService',
      object: { kind: 'NIMService', spec: { ...service, draResources: [{ resourceClaimName: 'one' }] } },
      change: { draResources: [{ resourceClaimName: 'another' }] },
      message: 'spec.draResources is immutable',
    },
  ])('$what', async ({ object, change, message }) => {
    const whole = { apiVersion: operatorApi, metadata: { name: 'fixed' }, ...object }
    await server.kubectl(['apply', '-f', '-'], JSON.stringify(whole))
    const patch = ['patch', object.kind, 'fixed', '--type=merge', '-p', JSON.stringify({ spec: change })]
    await expect(server.kubectl(patch)).rejects.toThrow(message)
    const changed = { ...whole, spec: { ...object.spec, ...change } }
    const findings = checkUpdate(whole, changed, 'main').map(finding => finding.message)
    expect(findings).toContainEqual(expect.stringContaining(message))
  })
})
