import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { checkObject } from '../../src/operator/check-object.ts'
import { checkObjects } from '../../src/operator/check-objects.ts'
import { isFault } from '../../src/operator/finding.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import type { OperatorVersion } from '../../src/operator/versions.ts'
import { reference } from './crds.ts'

const samples = ['samples/operator', 'samples/emit'].flatMap(folder =>
  readdirSync(join(reference, folder), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.yaml'))
    .map(path => join(folder, path))
    .sort(),
)

const serving = 'samples/operator/serving'

/** `kubectl apply --dry-run=server` refuses these under each version (reference/kubernetes.md, "CRDs against the server"). */
const replicasBesideScale = [
  `${serving}/kserve/standard/llm.yaml`,
  `${serving}/standalone/autoscaling/llm.yaml`,
  `${serving}/standalone/autoscaling/multi-llm.yaml`,
  `${serving}/standalone/full/llm.yaml`,
  `${serving}/standalone/full/multi-llm.yaml`,
]

/** With an unknown field, which a strict server refuses. */
const misplacedRouter = [`${serving}/standalone/routers/ingress/llm.yaml`]
const routerOrInitContainers = [
  'samples/emit/b-init-container.yaml',
  `${serving}/advanced/epp/nimservice.yaml`,
  `${serving}/standalone/routers/grpcroutes/llm.yaml`,
  `${serving}/standalone/routers/httproutes/llm.yaml`,
  `${serving}/standalone/routers/httproutes/multi-llm.yaml`,
  `${serving}/standalone/routers/ingress/multi-llm.yaml`,
]

describe('the offline check finds the samples that the API server refuses, and no other', () => {
  it.each([
    { version: 'main', dropped: misplacedRouter, ok: 40 },
    { version: '3.1.2', dropped: misplacedRouter, ok: 40 },
    { version: '3.0.2', dropped: [...misplacedRouter, ...routerOrInitContainers], ok: 34 },
  ] as const)('$version: $ok of 46 are right', ({ version, dropped, ok }) => {
    const bySeverity = (severity: string) =>
      samples.filter(path => ofCrd(path, version).some(finding => finding.severity === severity))
    expect(samples).toHaveLength(46)
    expect(bySeverity('dropped').sort()).toEqual([...dropped].sort())
    expect(bySeverity('refused')).toEqual([...replicasBesideScale].sort())
    expect(samples.filter(path => ofCrd(path, version).every(finding => !isFault(finding)))).toHaveLength(ok)
  })

  it('names the rule and the place', () => {
    expect(ofCrd(`${serving}/standalone/full/llm.yaml`, '3.1.2')).toMatchObject([
      { rule: 'deprecated-field', path: 'spec.expose.ingress', severity: 'advice' },
      { rule: 'nimservice-replicas-or-scale', path: 'spec', severity: 'refused' },
    ])
    expect(ofCrd(`${serving}/standalone/routers/ingress/llm.yaml`, '3.0.2')).toMatchObject([
      {
        rule: 'misplaced-field',
        path: 'spec.router',
        message: 'is dropped by operator 3.0.2: its place is spec.expose.router, from 3.1.0 on',
      },
    ])
  })
})

/** The server of those counts ran CRDs alone; what webhook and controllers would say beside, of the same samples. */
const beyondCrds: Partial<Record<OperatorVersion, Record<string, string[]>>> = {
  '3.0.2': { [`${serving}/kserve/standard/llm.yaml`]: ['kserve-knative-forbids spec.scale.enabled'] },
}

it.each(['main', '3.1.2', '3.0.2'] as const)(
  '%s: beyond the CRDs, the samples are right but for what is named',
  version => {
    const found = samples.flatMap(path => {
      const objects = objectsOf(path)
      const findings = [...objects.flatMap(object => checkObject(object, version)), ...checkObjects(objects, version)]
      const faults = findings.filter(finding => isFault(finding) && !isOfCrd(finding))
      return faults.length === 0 ? [] : [[path, faults.map(fault => `${fault.rule} ${fault.path}`)]]
    })
    expect(Object.fromEntries(found)).toEqual(beyondCrds[version] ?? {})
  },
)

function ofCrd(path: string, version: OperatorVersion) {
  return objectsOf(path).flatMap(object => checkObject(object, version).filter(isOfCrd))
}

function isOfCrd({ source }: { source: string }): boolean {
  return source.includes('CRD of operator')
}

function objectsOf(path: string): KubernetesObject[] {
  const documents = parseAllDocuments(readFileSync(join(reference, path), 'utf8'))
  return documents.map((document): KubernetesObject => document.toJS()).filter(Boolean)
}
