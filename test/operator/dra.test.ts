import { expect, it } from 'vitest'

import { checkObject } from '../../src/operator/check-object.ts'
import { aService, type Changes } from './objects.ts'

const creation = (device: object) => [{ claimCreationSpec: { devices: [{ name: 'gpu', ...device }] } }]
const attribute = (value: object) => creation({ attributeSelectors: [{ key: 'model', value }] })
const devices = 'spec.draResources[0].claimCreationSpec.devices'

it.each<[finding: string, resources: unknown[], changes?: Changes]>([
  ['dra-claim-one-pod spec.draResources[0].resourceClaimName', [{ resourceClaimName: 'a' }], { 'spec.replicas': 2 }],
  [
    'dra-claim-one-pod spec.draResources[0].resourceClaimName',
    [{ resourceClaimName: 'a' }],
    { 'spec.replicas': undefined, 'spec.scale': { enabled: true, hpa: { maxReplicas: 1 } } },
  ],
  [
    'dra-claim-name-repeated spec.draResources[1].resourceClaimName',
    [{ resourceClaimName: 'a' }, { resourceClaimName: 'a' }],
  ],
  [`dra-devices-empty ${devices}`, [{ claimCreationSpec: { devices: [] } }]],
  [`dra-device-class-empty ${devices}[0].deviceClassName`, creation({ deviceClassName: '' })],
  [`dra-device-count ${devices}[0].count`, creation({ count: 0 })],
  [
    `dra-selector-repeated ${devices}[0].capacitySelectors[0]`,
    creation({
      attributeSelectors: [{ key: 'gpu.nvidia.com/memory', value: { boolValue: true } }],
      capacitySelectors: [{ key: 'memory', value: '40Gi' }],
    }),
  ],
  [`dra-attribute-value-missing ${devices}[0].attributeSelectors[0].value`, attribute({})],
  [`dra-attribute-value-once ${devices}[0].attributeSelectors[0].value`, attribute({ intValue: 1, boolValue: true })],
  [`dra-attribute-version ${devices}[0].attributeSelectors[0].value`, attribute({ versionValue: 'v1.2' })],
])('the webhook of NIMService refuses %s', (finding, draResources, changes = {}) => {
  expect(refused({ 'spec.draResources': draResources, ...changes })).toEqual([finding])
})

it('takes claims by name, by template and made for it', () => {
  const resources = [
    { resourceClaimName: 'a' },
    { resourceClaimTemplateName: 'b' },
    ...creation({ attributeSelectors: [{ key: 'driver', value: { versionValue: '1.2.3-rc.1+5' } }], count: 2 }),
  ]
  expect(refused({ 'spec.draResources': resources })).toEqual([])
})

it('needs Kubernetes 1.34 where the version is known', () => {
  const object = aService({ 'spec.draResources': [{ resourceClaimName: 'a' }] })
  const rules = (kubernetesVersion: string) =>
    checkObject(object, 'main', { kubernetesVersion }).map(({ rule }) => rule)
  expect(rules('v1.33.4')).toContain('dra-needs-kubernetes-1-34')
  expect(rules('v1.34.0')).not.toContain('dra-needs-kubernetes-1-34')
  expect(rules('v2.0.0')).not.toContain('dra-needs-kubernetes-1-34')
})

function refused(changes: Changes): string[] {
  return checkObject(aService(changes), 'main')
    .filter(({ severity }) => severity === 'refused')
    .map(({ rule, path }) => `${rule} ${path}`)
}
