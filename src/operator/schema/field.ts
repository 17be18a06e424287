import { isFrom, type OperatorVersion } from '../versions.ts'
import type { CelRule } from './cel.ts'

/**
 * What a CRD says of a field, as data of our own. `list` and `map` say it of their `items`; `quantity` and `port` are
 * numbers or text (a quantity such as `50Gi`; a port's number or name).
 */
export interface Field extends Constraints {
  type: 'object' | 'list' | 'map' | 'string' | 'boolean' | 'integer' | 'number' | 'quantity' | 'port'
  fields?: Fields
  items?: Field
  /** Of an object: fields that the schema does not name are kept all the same. */
  open?: true
  /** Of a list of objects: no two items may be alike in this field. */
  uniqueBy?: string
  rules?: readonly CelRule[]
  /** The first version that has the field; in the versions before, it is dropped. */
  since?: OperatorVersion
  /** What was otherwise in earlier versions; where several hold, the ones further down count. */
  earlier?: readonly Earlier[]
  deprecated?: Deprecation
}

export type Fields = Readonly<Record<string, Field>>

export interface Constraints {
  required?: boolean | undefined
  /** Filled in before `required` is looked at, as an API server does it. */
  default?: unknown
  format?: 'int32' | 'int64' | 'byte' | 'date-time' | undefined
  enum?: readonly string[] | undefined
  pattern?: string | undefined
  minLength?: number | undefined
  maxLength?: number | undefined
  minimum?: number | undefined
  maximum?: number | undefined
}

interface Deprecation {
  since?: OperatorVersion
  /** What to use instead. */
  use: string
}

interface Earlier extends Constraints {
  before: OperatorVersion
}

export const string = { type: 'string' } satisfies Field
export const boolean = { type: 'boolean' } satisfies Field
export const integer = { type: 'integer' } satisfies Field
export const int32 = { type: 'integer', format: 'int32' } satisfies Field
export const int64 = { type: 'integer', format: 'int64' } satisfies Field
export const number = { type: 'number' } satisfies Field
export const quantity = { type: 'quantity' } satisfies Field
export const port = { type: 'port' } satisfies Field

export const nonEmpty = { ...string, minLength: 1 } satisfies Field
export const portNumber = { ...int32, minimum: 1, maximum: 65_535 } satisfies Field

export function object(fields: Fields, rules?: readonly CelRule[]): Field {
  return { type: 'object', fields, ...(rules && { rules }) }
}

export function list(items: Field): Field {
  return { type: 'list', items }
}

export function map(items: Field): Field {
  return { type: 'map', items }
}

export function required(field: Field): Field {
  return { ...field, required: true }
}

export function since(version: OperatorVersion, field: Field): Field {
  return { ...field, since: version }
}

/** The constraints of a field as one version has them. */
export function constraintsIn(field: Field, version: OperatorVersion): Constraints {
  const earlier = (field.earlier ?? []).filter(({ before }) => !isFrom(version, before))
  return earlier.length === 0 ? field : Object.assign({}, field, ...earlier)
}

/** The fields of an object that one version has. */
export function fieldsIn(field: Field, version: OperatorVersion): [string, Field][] {
  return Object.entries(field.fields ?? {}).filter(
    ([, { since: first }]) => first === undefined || isFrom(version, first),
  )
}
