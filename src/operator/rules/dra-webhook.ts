import type { Finding } from '../finding.ts'
import { at, listAt, objectAt, textAt } from '../plain.ts'
import { nimServiceRefused as refused, nimServiceRoot as root } from './nimservice-report.ts'
import { type Subject, when } from './rule.ts'

/** The first Kubernetes that the operator takes `draResources` on. */
const firstKubernetes = { major: 1, minor: 34 }

/** What the NIMService webhook says of `draResources`. */
export function checkDraResources({ spec, kubernetesVersion }: Subject): Finding[] {
  const resources = listAt(spec, 'draResources')
  const names = resources.map(resource => textAt(resource, 'resourceClaimName'))
  return [
    ...when(resources.length > 0 && kubernetesVersion !== undefined && isTooOld(kubernetesVersion), () =>
      refused(
        'dra-needs-kubernetes-1-34',
        'draResources',
        "Forbidden: is not supported by NIM-Operator on this cluster, please upgrade to k8s version 'v1.34.0' or higher",
      ),
    ),
    ...resources.flatMap((resource, index) => [
      ...(names[index] === '' ? [] : checkClaimName(spec, names, index)),
      ...checkDevices(resource, `draResources[${index}].claimCreationSpec`),
    ]),
  ]
}

function isTooOld(version: string): boolean {
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(version)?.map(Number) ?? []
  if (major === undefined || minor === undefined) return false
  return major < firstKubernetes.major || (major === firstKubernetes.major && minor < firstKubernetes.minor)
}

/** A claim made by hand can be used by one pod. */
function checkClaimName(spec: unknown, names: readonly string[], index: number): Finding[] {
  const path = `draResources[${index}].resourceClaimName`
  const instead = `use ${root}.draResources[${index}].resourceClaimTemplateName instead`
  const replicas = at(spec, 'replicas')
  return [
    ...when(typeof replicas === 'number' && replicas > 1, () =>
      refused('dra-claim-one-pod', path, `Forbidden: must not be set when ${root}.replicas > 1, ${instead}`),
    ),
    ...when(at(spec, 'scale', 'enabled') === true, () =>
      refused('dra-claim-one-pod', path, `Forbidden: must not be set when ${root}.scale.enabled is true, ${instead}`),
    ),
    ...when(names.indexOf(names[index] ?? '') < index, () =>
      refused('dra-claim-name-repeated', path, `Duplicate value: "${names[index]}"`),
    ),
  ]
}

function checkDevices(resource: unknown, path: string): Finding[] {
  const creation = objectAt(resource, 'claimCreationSpec')
  if (creation === undefined) return []
  const devices = listAt(creation, 'devices')
  return [
    ...when(devices.length === 0, () =>
      refused('dra-devices-empty', `${path}.devices`, 'Required value: must be non-empty'),
    ),
    ...devices.flatMap((device, index) => checkDevice(device, `${path}.devices[${index}]`)),
  ]
}

function checkDevice(device: unknown, path: string): Finding[] {
  const count = at(device, 'count')
  return [
    ...when(textAt(device, 'deviceClassName') === '', () =>
      refused('dra-device-class-empty', `${path}.deviceClassName`, 'Required value: is required'),
    ),
    ...when(typeof count === 'number' && count <= 0, () =>
      refused('dra-device-count', `${path}.count`, `Invalid value: ${String(count)}: must be > 0`),
    ),
    ...checkSelectors(device, path),
  ]
}

function checkSelectors(device: unknown, path: string): Finding[] {
  const attributes = listAt(device, 'attributeSelectors')
  const selectors = [
    ...attributes.map((selector, index) => ({ selector, place: `${path}.attributeSelectors[${index}]` })),
    ...listAt(device, 'capacitySelectors').map((selector, index) => ({
      selector,
      place: `${path}.capacitySelectors[${index}]`,
    })),
  ]
  const names = selectors.map(({ selector }) => qualified(textAt(selector, 'key'), textAt(device, 'driverName')))
  return [
    ...selectors.flatMap(({ place }, index) =>
      when(names.indexOf(names[index] ?? '') < index, () =>
        refused('dra-selector-repeated', place, `Duplicate value: "${names[index]}"`),
      ),
    ),
    ...attributes.flatMap((selector, index) =>
      checkValue(objectAt(selector, 'value'), `${path}.attributeSelectors[${index}].value`),
    ),
  ]
}

function qualified(key: string, driver: string): string {
  return key.includes('/') ? key : `${driver}/${key}`
}

function checkValue(value: unknown, path: string): Finding[] {
  const names = ['boolValue', 'intValue', 'stringValue', 'versionValue']
  const given = names.filter(name => at(value, name) !== undefined)
  const list = names.map(name => `${root}.${path}.${name}`).join(', ')
  const version = textAt(value, 'versionValue')
  return [
    ...when(given.length === 0, () =>
      refused('dra-attribute-value-missing', path, `Required value: must specify exactly one of ${list}`),
    ),
    ...when(given.length > 1, () =>
      refused(
        'dra-attribute-value-once',
        path,
        `Invalid value: "multiple attribute values defined": must specify exactly one of ${list}`,
      ),
    ),
    ...when(at(value, 'versionValue') !== undefined && !semanticVersion.test(version), () =>
      refused('dra-attribute-version', path, `Invalid value: "${version}": must be a valid semantic version`),
    ),
  ]
}

/** semver.org, without a leading v, as blang/semver parses it. */
const semanticVersion =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$/
