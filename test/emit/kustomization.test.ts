import { expect, it } from 'vitest'

import { renderKustomization, stagesOf } from '../../src/emit/kustomization.ts'
import { emitted } from '../../src/emit/result.ts'

const object = (kind: string) => ({ apiVersion: 'v1', kind, metadata: { name: 'llama' } })

it('has a file for each object in their order, and the builds as a stage of their own', () => {
  const objects = [object('ConfigMap'), object('NIMCache'), object('NIMBuild'), object('NIMService')]
  const stages = stagesOf(emitted({ objects, prerequisites: ['a Secret'] }), 'yaml')
  expect(stages.map(({ directory, files }) => [directory, files.map(({ name }) => name)])).toEqual([
    ['', ['configmap-llama.yaml', 'nimcache-llama.yaml', 'nimservice-llama.yaml']],
    ['build', ['nimbuild-llama.yaml']],
  ])
  expect(stages.map(renderKustomization)[1]).toBe(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
sortOptions:
  order: fifo
resources:
  - nimbuild-llama.yaml
`)
})

it('has a NIMBuild alone in the directory itself', () => {
  const [stage] = stagesOf(emitted({ objects: [object('NIMBuild')] }), 'json')
  expect(stage).toMatchObject({ directory: '', files: [{ name: 'nimbuild-llama.json' }] })
})
