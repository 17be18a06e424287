import { isObject, type Schema } from './structural-schema.ts'

/** A CEL rule and where it holds: `[]` stands for every item of a list. */
export interface RulePlace {
  path: readonly string[]
  rule: string
  message: string
}

type Self = Record<string, unknown>

/** The CEL rules of all versions by their text, written again by hand. One that isn't here fails {@link rulesOf}. */
const predicates: Record<string, (self: Self) => boolean> = {
  '(has(self.ngc) ? 1 : 0) + (has(self.dataStore) ? 1 : 0) + (has(self.hf) ? 1 : 0) == 1': self =>
    count(self, 'ngc', 'dataStore', 'hf') === 1,
  '(has(self.modelName) ? 1 : 0) + (has(self.datasetName) ? 1 : 0) == 1': self =>
    count(self, 'modelName', 'datasetName') === 1,
  '!(has(self.model) && has(self.modelEndpoint))': self => count(self, 'model', 'modelEndpoint') < 2,
  '(has(self.celExpressions) && !(has(self.attributeSelectors) || has(self.capacitySelectors))) || !has(self.celExpressions)':
    self => !has(self, 'celExpressions') || count(self, 'attributeSelectors', 'capacitySelectors') === 0,
  '(has(self.resourceClaimName) ? 1 : 0) + (has(self.resourceClaimTemplateName) ? 1 : 0) + (has(self.claimCreationSpec) ? 1 : 0) == 1':
    self => count(self, 'resourceClaimName', 'resourceClaimTemplateName', 'claimCreationSpec') === 1,
  '!(has(self.configMapRef) && has(self.config))': self => count(self, 'configMapRef', 'config') < 2,
  "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true": self =>
    self['group'] !== '' || self['kind'] !== 'Service' || has(self, 'port'),
  '!(has(self.gateway) && has(self.ingress))': self => count(self, 'gateway', 'ingress') < 2,
  '(has(self.create) && self.create) ? !has(self.name) : (has(self.name) && size(self.name) > 0)': self =>
    self['create'] === true ? !has(self, 'name') : has(self, 'name') && self['name'] !== '',
  '!(has(self.mpi) && has(self.ray))': self => count(self, 'mpi', 'ray') < 2,
  '!(has(self.multiNode) && has(self.scale) && has(self.scale.enabled) && self.scale.enabled)': self =>
    !(has(self, 'multiNode') && at(self, 'scale', 'enabled') === true),
  '!(has(self.scale) && has(self.scale.enabled) && self.scale.enabled && has(self.replicas))': self =>
    !(at(self, 'scale', 'enabled') === true && has(self, 'replicas')),
  '!(has(self.expose) && has(self.expose.ingress) && has(self.expose.ingress.enabled) && self.expose.ingress.enabled && has(self.expose.router) && has(self.expose.router.ingress))':
    self =>
      !(at(self, 'expose', 'ingress', 'enabled') === true && at(self, 'expose', 'router', 'ingress') !== undefined),
  'has(self.resourceClaimStatus) != has(self.resourceClaimTemplateStatus)': self =>
    count(self, 'resourceClaimStatus', 'resourceClaimTemplateStatus') === 1,
}

/** Rules with `oldSelf` speak of updates alone; a new object has none to break. */
export function rulesOf(schema: Schema, path: readonly string[] = []): RulePlace[] {
  const here = (schema['x-kubernetes-validations'] ?? [])
    .filter(({ rule }) => !rule.includes('oldSelf'))
    .map(({ rule, message }) => {
      if (!(rule in predicates)) throw new Error(`CEL rule without a predicate at ${path.join('.')}: ${rule}`)
      return { path, rule, message: message ?? rule }
    })
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => rulesOf(field, [...path, name]))
  return [...here, ...below, ...(schema.items ? rulesOf(schema.items, [...path, '[]']) : [])]
}

export function checkRules(places: readonly RulePlace[], object: unknown): string[] {
  return places.flatMap(({ path, rule, message }) =>
    valuesAt(object, path)
      .filter(self => predicates[rule]?.(self) === false)
      .map(() => `/${path.join('/')} ${message}`),
  )
}

function valuesAt(value: unknown, path: readonly string[]): Self[] {
  const [step, ...rest] = path
  if (step === undefined) return isObject(value) ? [value] : []
  if (step === '[]') return Array.isArray(value) ? value.flatMap(item => valuesAt(item, rest)) : []
  return isObject(value) ? valuesAt(value[step], rest) : []
}

function has(self: Self, name: string): boolean {
  return self[name] !== undefined
}

function count(self: Self, ...names: string[]): number {
  return names.filter(name => has(self, name)).length
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((place, name) => (isObject(place) ? place[name] : undefined), value)
}
