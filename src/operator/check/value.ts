import { isPlain } from '../plain.ts'
import { isQuantity } from '../quantity.ts'
import type { Constraints, Field } from '../schema/field.ts'

interface Unmet {
  rule: string
  message: string
}

/** What a field's type and constraints say against a value; an API server would refuse it. */
export function unmetBy(field: Field, constraints: Constraints, value: unknown): Unmet[] {
  const wrongType = typeUnmet(field, value)
  if (wrongType !== undefined) return [{ rule: 'wrong-type', message: wrongType }]
  if (typeof value === 'string') return textUnmet(field, constraints, value)
  return typeof value === 'number' ? numberUnmet(constraints, value) : []
}

const types: Record<Field['type'], { is: (value: unknown) => boolean; called: string }> = {
  object: { is: isPlain, called: 'an object' },
  map: { is: isPlain, called: 'an object' },
  list: { is: Array.isArray, called: 'a list' },
  string: { is: value => typeof value === 'string', called: 'text' },
  boolean: { is: value => typeof value === 'boolean', called: 'true or false' },
  integer: { is: Number.isInteger, called: 'a whole number' },
  number: { is: value => typeof value === 'number', called: 'a number' },
  quantity: {
    is: value => Number.isInteger(value) || typeof value === 'string',
    called: 'a quantity such as "0.5" or 50Gi',
  },
  port: { is: value => Number.isInteger(value) || typeof value === 'string', called: "a port's number or name" },
}

function typeUnmet({ type }: Field, value: unknown): string | undefined {
  const { is, called } = types[type]
  if (is(value)) return undefined
  const scalar = typeof value === 'number' || typeof value === 'boolean'
  const quoted = type === 'string' && scalar ? `: write "${value}", in quotes` : ''
  return `must be ${called}, not ${describe(value)}${quoted}`
}

function describe(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  return isPlain(value)
    ? 'an object'
    : `${typeof value === 'string' ? 'the text' : 'the value'} ${JSON.stringify(value)}`
}

function textUnmet(field: Field, constraints: Constraints, value: string): Unmet[] {
  const { length } = Array.from(value)
  return [
    ...(field.type === 'quantity' && !isQuantity(value)
      ? [{ rule: 'wrong-quantity', message: `must be a quantity such as 50Gi, not ${JSON.stringify(value)}` }]
      : []),
    ...(constraints.enum !== undefined && !constraints.enum.includes(value)
      ? [
          {
            rule: 'wrong-value',
            message: `must be one of ${constraints.enum.join(', ')}, not ${JSON.stringify(value)}`,
          },
        ]
      : []),
    ...(constraints.pattern !== undefined && !new RegExp(constraints.pattern).test(value)
      ? [{ rule: 'wrong-form', message: `must match ${constraints.pattern}, which ${JSON.stringify(value)} does not` }]
      : []),
    ...(length < (constraints.minLength ?? 0)
      ? [
          {
            rule: 'too-short',
            message: value === '' ? 'must not be empty' : `must have at least ${constraints.minLength} characters`,
          },
        ]
      : []),
    ...(length > (constraints.maxLength ?? Infinity)
      ? [{ rule: 'too-long', message: `must have at most ${constraints.maxLength} characters, not ${length}` }]
      : []),
    ...(constraints.format === 'byte' && !base64.test(value)
      ? [{ rule: 'wrong-form', message: 'must be base64' }]
      : []),
  ]
}

/** As the API server's format `byte` has it: the empty text is none. */
const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/

/** The bounds of `format: int32`, which an API server checks as well. */
const int32 = { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 }

function numberUnmet({ format, ...constraints }: Constraints, value: number): Unmet[] {
  const bounds = format === 'int32' ? int32 : { minimum: -Infinity, maximum: Infinity }
  const minimum = constraints.minimum ?? bounds.minimum
  const maximum = constraints.maximum ?? bounds.maximum
  return [
    ...(value < minimum ? [{ rule: 'too-small', message: `must be at least ${minimum}, not ${value}` }] : []),
    ...(value > maximum ? [{ rule: 'too-large', message: `must be at most ${maximum}, not ${value}` }] : []),
  ]
}
