import { isPlain, type Plain } from '../plain.ts'
import { constraintsIn, type Field, fieldsIn } from '../schema/field.ts'
import type { OperatorVersion } from '../versions.ts'

/** An object as the API server stores it: with its defaults, without what this version does not know. */
export function stored(field: Field, value: unknown, version: OperatorVersion): unknown {
  return pruned(field, withDefaults(field, value, version), version)
}

/**
 * An object as the API server has it before it looks at what is required: an empty field (`model:` in YAML) that it knows
 * counts as left out, and defaults are filled in. Several fields are both required and defaulted (reference/operator.md,
 * section 2). Nothing that was given is changed.
 */
export function withDefaults(field: Field, value: unknown, version: OperatorVersion): unknown {
  if (Array.isArray(value)) return field.items ? value.map(item => withItemDefaults(field, item, version)) : value
  if (!isPlain(value)) return value
  if (field.type === 'map') return mapEntries(value, item => withItemDefaults(field, item, version))
  const known = fieldsIn(field, version)
  const names = new Set(known.map(([name]) => name))
  const given = Object.fromEntries(
    Object.entries(value).filter(([name, item]) => isGiven(item) || (item === null && !names.has(name))),
  )
  for (const [name, child] of known) {
    const { default: fallback } = constraintsIn(child, version)
    if (given[name] === undefined && fallback !== undefined) given[name] = fallback
    if (given[name] !== undefined) given[name] = withDefaults(child, given[name], version)
  }
  return given
}

function withItemDefaults({ items }: Field, item: unknown, version: OperatorVersion): unknown {
  return items ? withDefaults(items, item, version) : item
}

function mapEntries(value: Plain, change: (item: unknown) => unknown): Plain {
  const given = Object.entries(value).filter(([, item]) => isGiven(item))
  return Object.fromEntries(given.map(([key, item]) => [key, change(item)]))
}

/** What is left of an object when the API server has dropped the fields that this version does not know. */
function pruned(field: Field, value: unknown, version: OperatorVersion): unknown {
  if (Array.isArray(value)) {
    const { items } = field
    return items ? value.map(item => pruned(items, item, version)) : value
  }
  if (!isPlain(value) || field.type === 'map') return value
  const known = new Map(fieldsIn(field, version))
  const entries = Object.entries(value).flatMap(([name, item]): [string, unknown][] => {
    const child = known.get(name)
    if (child !== undefined) return [[name, pruned(child, item, version)]]
    return field.open ? [[name, item]] : []
  })
  return Object.fromEntries(entries)
}

function isGiven(item: unknown): boolean {
  return item !== null && item !== undefined
}
