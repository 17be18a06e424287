import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { parse } from 'yaml'

import { checkRules, type RulePlace, rulesOf } from './crd-rules.ts'
import { isObject, type Schema } from './structural-schema.ts'

/** What an API server would say: `unknown-field` only under strict validation, else it drops the field silently. */
export interface Verdict {
  verdict: 'ok' | 'unknown-field' | 'refused'
  reasons: string[]
}

export interface CrdSchema {
  kind: string
  judge(object: unknown): Verdict
}

const kinds = ['nimcaches', 'nimservices', 'nimpipelines', 'nimbuilds']

/** Reads the CRDs of one operator version. @param folder with `apps.nvidia.com_*.yaml`. */
export function readCrds(folder: string): Map<string, CrdSchema> {
  const crds = kinds.map(plural => {
    const crd = parse(readFileSync(join(folder, `apps.nvidia.com_${plural}.yaml`), 'utf8'))
    return crdSchema(crd.spec.names.kind, crd.spec.versions[0].schema.openAPIV3Schema)
  })
  return new Map(crds.map(crd => [crd.kind, crd]))
}

/** Judges as an API server does: empty fields dropped, defaults, then unknown fields, then schema, then CEL rules that need no old object. */
function crdSchema(kind: string, schema: Schema): CrdSchema {
  const root: Schema = {
    ...schema,
    properties: { ...schema.properties, metadata: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
  }
  const validate = compile(root)
  const places: RulePlace[] = rulesOf(root)
  return {
    kind,
    judge(object) {
      const value = withDefaults(root, withoutNulls(root, object))
      const valid = validate(value)
      const errors = validate.errors ?? []
      const unknown = errors.filter(({ keyword }) => keyword === 'additionalProperties')
      if (unknown.length > 0) return { verdict: 'unknown-field', reasons: unknown.map(describe) }
      const reasons = [...(valid ? [] : errors.map(describe)), ...checkRules(places, value)]
      return { verdict: reasons.length > 0 ? 'refused' : 'ok', reasons }
    },
  }
}

function compile(root: Schema): ValidateFunction {
  const ajv = new Ajv({ allErrors: true, strict: false, unicodeRegExp: false }) // Go's RE2 takes escapes that /u refuses
  ajv.addFormat('int32', { type: 'number', validate: n => Number.isInteger(n) && n >= -(2 ** 31) && n < 2 ** 31 })
  ajv.addFormat('int64', { type: 'number', validate: n => Number.isInteger(n) })
  ajv.addFormat('byte', /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/) // govalidator's
  ajv.addKeyword({ keyword: 'uniqueBy', type: 'array', validate: isUniqueBy })
  ajv.addFormat('date-time', text => !Number.isNaN(Date.parse(text)))
  return ajv.compile(strict(root))
}

function isUniqueBy(keys: string[], items: unknown[]): boolean {
  const seen = items.map(item => JSON.stringify(keys.map(key => (isObject(item) ? item[key] : item))))
  return new Set(seen).size === seen.length
}

function describe({ instancePath, message, params }: ErrorObject): string {
  const extra = 'additionalProperty' in params ? `: ${params['additionalProperty']}` : ''
  return `${instancePath} ${message}${extra}`
}

/** OpenAPI to JSON Schema: an object with properties takes no other ones, and int-or-string is either. */
function strict(schema: Schema): Record<string, unknown> {
  const { default: _, properties, items, additionalProperties, ...rest } = schema
  if (rest['anyOf'] !== undefined && !rest['x-kubernetes-int-or-string'])
    throw new Error('anyOf is only known beside x-kubernetes-int-or-string.')
  const preserve = rest['x-kubernetes-preserve-unknown-fields'] === true
  return {
    ...withoutExtensions(rest),
    ...(rest['x-kubernetes-list-map-keys'] !== undefined && { uniqueBy: rest['x-kubernetes-list-map-keys'] }),
    ...(rest['x-kubernetes-int-or-string'] && { type: ['integer', 'string'] }),
    ...(properties && { properties: mapValues(properties, strict) }),
    ...(items && { items: strict(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: strict(additionalProperties) }),
    ...(additionalProperties === undefined &&
      rest.type === 'object' &&
      !preserve && { additionalProperties: properties === undefined }),
  }
}

function withoutExtensions(schema: Schema): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).filter(([keyword]) => !keyword.startsWith('x-kubernetes-') && keyword !== 'anyOf'),
  )
}

/** Several fields are both required and defaulted: the server fills them in before it looks (reference/operator.md 2). */
function withDefaults(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value))
    return value.map((item: unknown) => (schema.items ? withDefaults(schema.items, item) : item))
  if (!isObject(value)) return value
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (value[name] === undefined && field.default !== undefined) value[name] = structuredClone(field.default)
    if (value[name] !== undefined) value[name] = withDefaults(field, value[name])
  }
  const { additionalProperties } = schema
  return typeof additionalProperties === 'object'
    ? mapValues(value, item => withDefaults(additionalProperties, item))
    : value
}

/**
 * Nothing in the CRDs is nullable, and the server's counts show that a sample's empty `model:` passes as left out. An
 * unknown field counts as one even where it is empty.
 */
function withoutNulls(schema: Schema | undefined, value: unknown): unknown {
  if (Array.isArray(value)) return value.map(item => withoutNulls(schema?.items, item))
  if (!isObject(value)) return value
  const { properties = {}, additionalProperties } = schema ?? {}
  const ofMap = typeof additionalProperties === 'object' ? additionalProperties : undefined
  const present = Object.entries(value).filter(([name, field]) => field !== null || !(properties[name] ?? ofMap))
  return Object.fromEntries(present.map(([name, field]) => [name, withoutNulls(properties[name] ?? ofMap, field)]))
}

function mapValues<From, To>(object: Record<string, From>, change: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]))
}
