import { quantityPattern } from '../../src/operator/quantity.ts'
import { constraintsIn, type Field, fieldsIn } from '../../src/operator/schema/field.ts'
import { isFrom, type OperatorVersion } from '../../src/operator/versions.ts'
import type { Schema } from '../emit/structural-schema.ts'

/** One line for each thing that a schema says, such as `spec.replicas minimum 0`. */
export type Facts = Set<string>

/** Extensions of a CRD that say how objects are merged, not what is right in them. */
const aboutMerging = ['x-kubernetes-map-type', 'x-kubernetes-list-map-keys']

const bounds = ['format', 'pattern', 'minLength', 'maxLength', 'minimum', 'maximum'] as const

export function factsOfField(field: Field, version: OperatorVersion, path = ''): Facts {
  const constraints = constraintsIn(field, version)
  const rules = (field.rules ?? []).filter(({ since }) => since === undefined || isFrom(version, since))
  return new Set([
    `${path} ${typeOf(field)}`,
    ...bounds.flatMap(name =>
      constraints[name] === undefined ? [] : [`${path} ${name} ${JSON.stringify(constraints[name])}`],
    ),
    ...(constraints.default === undefined ? [] : [`${path} default ${JSON.stringify(constraints.default)}`]),
    ...(constraints.enum === undefined ? [] : [`${path} enum ${constraints.enum.join('|')}`]),
    ...(field.open ? [`${path} open`] : []),
    ...(isDeprecated(field, version) ? [`${path} deprecated`] : []),
    ...(field.uniqueBy === undefined ? [] : [`${path} unique by ${field.uniqueBy}`]),
    ...rules.map(({ text, message }) => `${path} rule ${text} -> ${message}`),
    ...fieldsIn(field, version).flatMap(([name, child]) => [
      ...(constraintsIn(child, version).required ? [`${below(path, name)} required`] : []),
      ...factsOfField(child, version, below(path, name)),
    ]),
    ...(field.items ? factsOfField(field.items, version, `${path}${field.type === 'map' ? '{}' : '[]'}`) : []),
  ])
}

function isDeprecated({ deprecated }: Field, version: OperatorVersion): boolean {
  return deprecated !== undefined && (deprecated.since === undefined || isFrom(version, deprecated.since))
}

function typeOf({ type }: Field): string {
  return type === 'port' ? 'int-or-string' : type
}

export function factsOfSchema(schema: Schema, path = ''): Facts {
  const { type: _, properties = {}, items, additionalProperties, required, enum: values, ...rest } = schema
  const isMap = typeof additionalProperties === 'object'
  const listKeys = rest['x-kubernetes-list-map-keys']
  return new Set([
    `${path} ${crdType(schema, isMap)}`,
    ...bounds.flatMap(name =>
      rest[name] === undefined || rest[name] === quantityPattern
        ? []
        : [`${path} ${name} ${JSON.stringify(rest[name])}`],
    ),
    ...(rest.default === undefined ? [] : [`${path} default ${JSON.stringify(rest.default)}`]),
    ...(Array.isArray(values) ? [`${path} enum ${values.join('|')}`] : []),
    ...(rest['x-kubernetes-preserve-unknown-fields'] ? [`${path} open`] : []),
    ...(JSON.stringify(rest['description'] ?? '').includes('Deprecated: ') ? [`${path} deprecated`] : []),
    ...(Array.isArray(listKeys) ? [`${path} unique by ${listKeys.join()}`] : []),
    ...(rest['x-kubernetes-validations'] ?? []).map(({ rule, message }) => `${path} rule ${rule} -> ${message}`),
    ...unheld(rest).map(keyword => `${path} unknown keyword ${keyword}`),
    ...Object.entries(properties).flatMap(([name, child]) => [
      ...(Array.isArray(required) && required.includes(name) ? [`${below(path, name)} required`] : []),
      ...factsOfSchema(child, below(path, name)),
    ]),
    ...(items ? factsOfSchema(items, `${path}[]`) : []),
    ...(isMap ? factsOfSchema(additionalProperties, `${path}{}`) : []),
  ])
}

function crdType(schema: Schema, isMap: boolean): string {
  if (schema['x-kubernetes-int-or-string']) return schema['pattern'] === quantityPattern ? 'quantity' : 'int-or-string'
  if (schema.type === 'array') return 'list'
  return isMap ? 'map' : (schema.type ?? 'no type')
}

/** Keywords that nothing above looks at. */
function unheld(rest: Record<string, unknown>): string[] {
  const looked = new Set<string>([
    ...bounds,
    ...aboutMerging,
    'default',
    'description',
    'x-kubernetes-list-type',
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-int-or-string',
    'x-kubernetes-validations',
    ...(rest['x-kubernetes-int-or-string'] ? ['anyOf'] : []),
  ])
  const listType = rest['x-kubernetes-list-type']
  return [
    ...Object.keys(rest).filter(keyword => !looked.has(keyword)),
    ...(listType === 'set' ? ['x-kubernetes-list-type: set'] : []),
  ]
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
