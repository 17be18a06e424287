import type { Finding } from '../finding.ts'
import { keyed } from '../finding.ts'
import { isPlain, type Plain } from '../plain.ts'
import { constraintsIn, type Field, fieldsIn } from '../schema/field.ts'
import { isFrom, type OperatorVersion } from '../versions.ts'
import { droppedField } from './unknown-field.ts'
import { unmetBy } from './value.ts'

export interface Schema {
  root: Field
  version: OperatorVersion
  /** For messages, such as `NIMService CRD of 3.1.2`. */
  source: string
}

/**
 * What the CRD's schema says against a value: fields that it does not know (`dropped`), types, required fields, bounds,
 * and its CEL rules (`refused`). The value has its defaults.
 */
export function checkStructure(schema: Schema, field: Field, value: unknown, path = ''): Finding[] {
  const constraints = constraintsIn(field, schema.version)
  const unmet = unmetBy(field, constraints, value)
  const here = unmet.map(({ rule, message }) => refused(schema, rule, path, message))
  if (unmet.some(({ rule }) => rule === 'wrong-type')) return here
  if (Array.isArray(value)) return [...here, ...checkItems(schema, field, value, path)]
  if (!isPlain(value)) return here
  if (field.type === 'map') return [...here, ...checkValues(schema, field, value, path)]
  return [...here, ...checkFields(schema, field, value, path), ...checkRules(schema, field, value, path)]
}

function checkItems(schema: Schema, { items, uniqueBy }: Field, value: unknown[], path: string): Finding[] {
  if (items === undefined) return []
  const findings = value.flatMap((item, index) => checkStructure(schema, items, item, `${path}[${index}]`))
  return [...findings, ...(uniqueBy === undefined ? [] : repeated(schema, uniqueBy, value, path))]
}

function repeated(schema: Schema, name: string, value: unknown[], path: string): Finding[] {
  const keys = value.map(item => (isPlain(item) ? item[name] : undefined))
  return keys.flatMap((key, index) =>
    key !== undefined && keys.indexOf(key) < index
      ? [
          refused(
            schema,
            'repeated-item',
            `${path}[${index}].${name}`,
            `must be unique; ${JSON.stringify(key)} stands in the list before`,
          ),
        ]
      : [],
  )
}

function checkValues(schema: Schema, { items }: Field, value: Plain, path: string): Finding[] {
  if (items === undefined) return []
  return Object.entries(value).flatMap(([key, item]) => checkStructure(schema, items, item, keyed(path, key)))
}

function checkFields(schema: Schema, field: Field, value: Plain, path: string): Finding[] {
  const known = new Map(fieldsIn(field, schema.version))
  const missing = [...known]
    .filter(([name, child]) => constraintsIn(child, schema.version).required === true && value[name] === undefined)
    .map(([name]) => refused(schema, 'required-field', keyed(path, name), 'is required'))
  const given = Object.entries(value).flatMap(([name, item]) => {
    const child = known.get(name)
    if (child !== undefined)
      return [
        ...checkStructure(schema, child, item, keyed(path, name)),
        ...deprecated(schema, child, keyed(path, name)),
      ]
    return field.open ? [] : [droppedField(schema, field, { name, parent: path })]
  })
  return [...missing, ...given]
}

function deprecated({ version, source }: Schema, field: Field, path: string): Finding[] {
  const { since, use } = field.deprecated ?? {}
  if (use === undefined || (since !== undefined && !isFrom(version, since))) return []
  return [{ rule: 'deprecated-field', path, severity: 'advice', message: `is deprecated: use ${use}`, source }]
}

function checkRules(schema: Schema, { rules = [] }: Field, value: Plain, path: string): Finding[] {
  return rules
    .filter(({ since, holds }) => (since === undefined || isFrom(schema.version, since)) && holds?.(value) === false)
    .map(({ name, message }) => refused(schema, name, path, message))
}

function refused({ source }: Schema, rule: string, path: string, message: string): Finding {
  return { rule, path, severity: 'refused', message, source }
}
