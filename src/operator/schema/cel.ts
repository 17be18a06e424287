import { isDeepStrictEqual } from 'node:util'

import { at, type Plain, textAt } from '../plain.ts'
import type { OperatorVersion } from '../versions.ts'

/** A CEL rule of a CRD: its text word for word, so that a test can compare it, and what it says as a function. */
export interface CelRule {
  name: string
  text: string
  message: string
  since?: OperatorVersion
  /** Of a rule about an update alone: whether the new value may follow the old one. */
  follows?: (self: unknown, old: unknown) => boolean
  /** Of a rule about a value. */
  holds?: (self: Plain) => boolean
}

export const oneSource: CelRule = {
  name: 'nimcache-one-source',
  text: '(has(self.ngc) ? 1 : 0) + (has(self.dataStore) ? 1 : 0) + (has(self.hf) ? 1 : 0) == 1',
  message: 'Exactly one of ngc, dataStore, or hf must be defined',
  holds: self => count(self, 'ngc', 'dataStore', 'hf') === 1,
}

export const modelOrDataset: CelRule = {
  name: 'nimcache-model-or-dataset',
  text: '(has(self.modelName) ? 1 : 0) + (has(self.datasetName) ? 1 : 0) == 1',
  message: 'Exactly one of modelName or datasetName must be defined',
  holds: self => count(self, 'modelName', 'datasetName') === 1,
}

export const modelOrEndpoint: CelRule = {
  name: 'nimcache-model-or-endpoint',
  text: '!(has(self.model) && has(self.modelEndpoint))',
  message: "Only one of 'model' or 'modelEndpoint' can be specified",
  holds: self => count(self, 'model', 'modelEndpoint') < 2,
}

export const pullerStays: CelRule = {
  name: 'nimcache-model-puller-immutable',
  text: 'self == oldSelf',
  message:
    'modelPuller is an immutable field. Please create a new NIMCache resource instead when you want to change this container.',
  follows: isDeepStrictEqual,
}

export const claimsStay: CelRule = {
  name: 'nimservice-dra-resources-immutable',
  text: '(has(self.draResources) && has(oldSelf.draResources) && self.draResources == oldSelf.draResources) || (!has(self.draResources) && !has(oldSelf.draResources))',
  message: 'spec.draResources is immutable',
  follows: (self, old) => isDeepStrictEqual(at(self, 'draResources'), at(old, 'draResources')),
}

export const noScaleBesideMultiNode: CelRule = {
  name: 'nimservice-multi-node-without-scale',
  text: '!(has(self.multiNode) && has(self.scale) && has(self.scale.enabled) && self.scale.enabled)',
  message: 'autoScaling must be nil or disabled when multiNode is set',
  holds: self => !(has(self, 'multiNode') && at(self, 'scale', 'enabled') === true),
}

export const noReplicasBesideScale: CelRule = {
  name: 'nimservice-replicas-or-scale',
  text: '!(has(self.scale) && has(self.scale.enabled) && self.scale.enabled && has(self.replicas))',
  message: 'spec.replicas cannot be set when spec.scale.enabled is true',
  since: '3.0.2',
  holds: self => !(has(self, 'replicas') && at(self, 'scale', 'enabled') === true),
}

export const ingressOnce: CelRule = {
  name: 'nimservice-ingress-once',
  text: '!(has(self.expose) && has(self.expose.ingress) && has(self.expose.ingress.enabled) && self.expose.ingress.enabled && has(self.expose.router) && has(self.expose.router.ingress))',
  message:
    '.spec.expose.ingress is deprecated, and will be removed in a future release. If .spec.expose.ingress is set, please do not set .spec.expose.router.ingress.',
  since: '3.1.0',
  holds: self =>
    !(at(self, 'expose', 'ingress', 'enabled') === true && at(self, 'expose', 'router', 'ingress') !== undefined),
}

export const gatewayOrIngress: CelRule = {
  name: 'router-gateway-or-ingress',
  text: '!(has(self.gateway) && has(self.ingress))',
  message: 'ingress and gateway cannot be specified together',
  holds: self => count(self, 'gateway', 'ingress') < 2,
}

export const inlineOrReferenced: CelRule = {
  name: 'endpoint-picker-config-once',
  text: '!(has(self.configMapRef) && has(self.config))',
  message: 'specify either configMapRef or config, not both',
  holds: self => count(self, 'configMapRef', 'config') < 2,
}

export const portOfService: CelRule = {
  name: 'backend-service-needs-port',
  text: "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
  message: 'Must have port for Service reference',
  holds: self => self['group'] !== '' || self['kind'] !== 'Service' || has(self, 'port'),
}

export const mpiOrRay: CelRule = {
  name: 'multi-node-mpi-or-ray',
  text: '!(has(self.mpi) && has(self.ray))',
  message: 'mpi and ray are mutually exclusive',
  since: '3.1.1',
  holds: self => count(self, 'mpi', 'ray') < 2,
}

export const computeDomainName: CelRule = {
  name: 'compute-domain-name',
  text: '(has(self.create) && self.create) ? !has(self.name) : (has(self.name) && size(self.name) > 0)',
  message: 'if create is true, name must not be set; otherwise name is required.',
  holds: self => (self['create'] === true ? !has(self, 'name') : textAt(self, 'name') !== ''),
}

export const expressionsAlone: CelRule = {
  name: 'dra-cel-expressions-alone',
  text: '(has(self.celExpressions) && !(has(self.attributeSelectors) || has(self.capacitySelectors))) || !has(self.celExpressions)',
  message: 'celExpressions must not be set if attributeSelectors or capacitySelectors are set',
  holds: self => !has(self, 'celExpressions') || count(self, 'attributeSelectors', 'capacitySelectors') === 0,
}

export const oneClaimSource: CelRule = {
  name: 'dra-one-claim-source',
  text: '(has(self.resourceClaimName) ? 1 : 0) + (has(self.resourceClaimTemplateName) ? 1 : 0) + (has(self.claimCreationSpec) ? 1 : 0) == 1',
  message:
    'exactly one of spec.resourceClaimName, spec.resourceClaimTemplateName, or spec.claimCreationSpec must be set.',
  holds: self => count(self, 'resourceClaimName', 'resourceClaimTemplateName', 'claimCreationSpec') === 1,
}

export const specStays: CelRule = {
  name: 'nimbuild-spec-immutable',
  text: 'self == oldSelf',
  message: 'spec is immutable',
  follows: isDeepStrictEqual,
}

function has(self: Plain, name: string): boolean {
  return self[name] !== undefined
}

function count(self: Plain, ...names: string[]): number {
  return names.filter(name => has(self, name)).length
}
