import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { checkObject } from '../../src/operator/check-object.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import { operatorKindOf, operatorKinds } from '../../src/operator/schema/kinds.ts'
import { type OperatorVersion, operatorVersions } from '../../src/operator/versions.ts'
import { readCrds, type Verdict } from '../emit/crd-schema.ts'
import { crdFolder, crdSchemaOf, reference } from './crds.ts'
import { mutate } from './mutations.ts'
import { randomObject } from './random-objects.ts'
import { pick, type Random, randomOf } from './random.ts'

const perVersion = 800
const seed = Number(process.env['NIMCTL_SEED'] ?? 8)

/** Our tables against the CRDs themselves, compiled by ajv: the same object, the same verdict. */
describe.each(operatorVersions)('%s: our check and the CRDs judge alike', version => {
  it(`${perVersion} changed samples and ${perVersion} random objects, seed ${seed}`, () => {
    const random = randomOf(seed)
    const crds = readCrds(crdFolder(version))
    const seen = { ok: 0, 'unknown-field': 0, refused: 0 }
    const objects = [...changedSamples(random), ...randomObjects(version, random)]
    for (const { object, what } of objects) {
      const theirs = crds.get(object.kind)?.judge(structuredClone(object))
      const ours = verdictOf(object, version)
      seen[ours.verdict] += 1
      if (ours.verdict !== theirs?.verdict) throw new Error(JSON.stringify({ what, object, ours, theirs }))
    }
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(perVersion / 10)
  })
})

function verdictOf(object: KubernetesObject, version: OperatorVersion): Verdict {
  const findings = checkObject(object, version).filter(({ source }) => source.includes('CRD of operator'))
  const reasons = findings.map(({ path, severity, message }) => `${severity} ${path} ${message}`)
  if (findings.some(({ severity }) => severity === 'dropped')) return { verdict: 'unknown-field', reasons }
  return { verdict: findings.some(({ severity }) => severity === 'refused') ? 'refused' : 'ok', reasons }
}

interface Case {
  object: KubernetesObject
  what: string
}

function* changedSamples(random: Random): Generator<Case> {
  const samples = sampleObjects()
  for (let count = 0; count < perVersion; count += 1) {
    const sample = samples[count % samples.length]
    if (sample !== undefined) yield changed(sample, random)
  }
}

function* randomObjects(version: OperatorVersion, random: Random): Generator<Case> {
  const schemas = operatorKinds.map(kind => ({ kind, schema: crdSchemaOf(kind, version) }))
  for (let count = 0; count < perVersion; count += 1) {
    const { kind, schema } = pick(random, schemas)
    const object = randomObject(kind, schema, random)
    yield random() < 0.3 ? { object, what: 'random' } : changed(object, random)
  }
}

function changed(object: KubernetesObject, random: Random): Case {
  const { object: copy, what } = mutate(object, random)
  return { object: { ...object, ...copy }, what }
}

function sampleObjects(): KubernetesObject[] {
  return ['samples/operator', 'samples/emit']
    .flatMap(folder =>
      readdirSync(join(reference, folder), { recursive: true, encoding: 'utf8' })
        .filter(path => path.endsWith('.yaml'))
        .map(path => join(reference, folder, path)),
    )
    .sort()
    .flatMap(path => parseAllDocuments(readFileSync(path, 'utf8')))
    .map((document): KubernetesObject => document.toJS())
    .filter(object => object !== null && operatorKindOf(object) !== undefined)
}
