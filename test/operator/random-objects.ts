import { type KubernetesObject, operatorApi } from '../../src/operator/objects.ts'
import type { OperatorKind } from '../../src/operator/schema/kinds.ts'
import type { Schema } from '../emit/structural-schema.ts'
import { pick, type Random } from './random.ts'

/** Texts among which each pattern of the CRDs finds one that it takes, and others that it doesn't. */
const texts = [
  'a',
  'model-1',
  'https://hub.internal/v1/hf',
  '10Gi',
  '500m',
  '30s',
  'Service',
  'host.internal',
  '0',
  'aGk=',
]

/** An object of a CRD with some of its fields, most of them right. @param schema of the whole object. */
export function randomObject(kind: OperatorKind, schema: Schema, random: Random): KubernetesObject {
  const { properties = {} } = schema.properties?.['spec'] ?? {}
  return {
    apiVersion: operatorApi,
    kind,
    metadata: { name: 'random' },
    spec: randomFields(properties, schema.properties?.['spec'] ?? {}, { random, depth: 0 }),
  }
}

/** The deeper, the fewer fields that nobody requires. */
function randomValue(schema: Schema, random: Random, depth: number): unknown {
  const { type, properties, items, additionalProperties } = schema
  if (schema['x-kubernetes-int-or-string']) return pick(random, [1, '10Gi', '0.5'])
  if (Array.isArray(schema['enum'])) return pick(random, schema['enum'])
  if (type === 'array') {
    const length = pick(random, [0, 1, 1, 2])
    return Array.from({ length }, () => (items ? randomValue(items, random, depth + 1) : 'a'))
  }
  if (typeof additionalProperties === 'object') return { key: randomValue(additionalProperties, random, depth + 1) }
  if (type === 'object') return randomFields(properties ?? {}, schema, { random, depth })
  if (type === 'boolean') return random() < 0.5
  if (type === 'integer') return pick(random, [1, 2, 8000])
  if (type === 'number') return pick(random, [1, 0.5])
  return randomText(schema, random)
}

function randomFields(
  properties: Record<string, Schema>,
  schema: Schema,
  { random, depth }: { random: Random; depth: number },
) {
  const required = Array.isArray(schema['required']) ? schema['required'] : []
  const chance = depth === 0 ? 0.25 : 0.4
  const chosen = Object.entries(properties).filter(([name]) => required.includes(name) || random() < chance)
  return Object.fromEntries(chosen.map(([name, field]) => [name, randomValue(field, random, depth + 1)]))
}

function randomText(schema: Schema, random: Random): string {
  const { pattern } = schema
  const fitting = typeof pattern === 'string' ? texts.filter(text => new RegExp(pattern).test(text)) : texts
  return pick(random, fitting)
}
