import { expect, it } from 'vitest'

import { checkUpdate } from '../../src/operator/check-update.ts'
import type { KubernetesObject } from '../../src/operator/objects.ts'
import { aBuild, aCache, aPipeline, aService } from './objects.ts'

const multiNode = { parallelism: { tensor: 8 } }
const claim = { create: true, size: '50Gi', volumeAccessMode: 'ReadWriteMany' }
const draResources = [{ resourceClaimName: 'a' }]

it.each<[string, KubernetesObject, KubernetesObject, string[]]>([
  [
    'the modelPuller',
    aCache(),
    aCache({ 'spec.source.ngc.modelPuller': 'r/i:2' }),
    ['nimcache-model-puller-immutable spec.source.ngc.modelPuller', 'nimcache-spec-immutable spec'],
  ],
  ['anything of a NIMCache', aCache(), aCache({ 'spec.env': [] }), ['nimcache-spec-immutable spec']],
  ['a NIMBuild', aBuild(), aBuild({ 'spec.modelName': 'm' }), ['nimbuild-spec-immutable spec']],
  [
    'draResources',
    aService(),
    aService({ 'spec.draResources': draResources }),
    ['nimservice-dra-resources-immutable spec'],
  ],
  [
    'draResources away',
    aService({ 'spec.draResources': draResources }),
    aService(),
    ['nimservice-dra-resources-immutable spec'],
  ],
  ['multiNode', aService(), aService({ 'spec.multiNode': multiNode }), ['multi-node-immutable spec.multiNode']],
  [
    'a created claim',
    aService({ 'spec.storage': { pvc: claim } }),
    aService({ 'spec.storage': { pvc: { ...claim, size: '60Gi' } } }),
    ['created-claim-immutable spec.storage.pvc'],
  ],
])('refuses to change %s', (_, old, object, findings) => {
  expect(said(old, object)).toEqual(findings)
})

it.each<[string, KubernetesObject, KubernetesObject]>([
  ['nothing', aCache(), aCache()],
  ['metadata', aBuild(), aBuild({ 'metadata.labels': { a: 'b' } })],
  ['a default that is written out', aService(), aService({ 'spec.inferencePlatform': 'standalone' })],
  ['the image of a NIMService', aService(), aService({ 'spec.image.tag': '2.0' })],
  ['a pipeline', aPipeline(), aPipeline({ 'spec.services.0.spec.draResources': draResources })],
  ['the kind', aCache(), aService()],
  ['another kind', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' } }, aService()],
])('lets %s change', (_, old, object) => {
  expect(said(old, object)).toEqual([])
})

function said(old: KubernetesObject, object: KubernetesObject): string[] {
  return checkUpdate(old, object, 'main').map(({ rule, path }) => `${rule} ${path}`)
}
