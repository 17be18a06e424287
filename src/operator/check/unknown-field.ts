import { closest, distance } from 'fastest-levenshtein'

import { type Finding, keyed } from '../finding.ts'
import { type Field, fieldsIn } from '../schema/field.ts'
import { isFrom, type OperatorVersion } from '../versions.ts'
import type { Schema } from './structure.ts'

/** At most this many characters may differ for a name to count as mistyped. */
const maxTypo = 2

/** A field that this version's CRD does not have: an API server drops it silently where the client is not strict. */
export function droppedField(
  schema: Schema,
  field: Field,
  { name, parent }: { name: string; parent: string },
): Finding {
  const path = keyed(parent, name)
  const because = reason(schema, field, { name, parent })
  return {
    rule: because.rule,
    path,
    severity: 'dropped',
    message: `is dropped by operator ${schema.version}: ${because.text}`,
    source: schema.source,
  }
}

function reason(schema: Schema, field: Field, { name, parent }: { name: string; parent: string }) {
  const later = field.fields?.[name]?.since
  if (later !== undefined) return { rule: 'field-of-later-version', text: `it is there from ${later}` }
  const alike = nearest(
    name,
    fieldsIn(field, schema.version).map(([known]) => known),
  )
  if (alike !== undefined) return { rule: 'mistyped-field', text: `the field is called ${alike}` }
  const place = placeOf(schema, name)
  if (place !== undefined) return { rule: 'misplaced-field', text: `its place is ${place}` }
  return { rule: 'unknown-field', text: `${parent === '' ? 'the object' : parent} has no such field` }
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const sameButCase = known.find(candidate => candidate.toLowerCase() === name.toLowerCase())
  if (sameButCase !== undefined) return sameButCase
  if (known.length === 0 || name.length <= maxTypo) return undefined
  const found = closest(name, known)
  return distance(name, found) <= maxTypo ? found : undefined
}

/** Where the newest CRD has a field of this name, nearest to the top; under lists it would need an index. */
function placeOf({ root, version }: Schema, name: string): string | undefined {
  let level: Place[] = [{ name: '', path: '', field: root }]
  while (level.length > 0) {
    level = level.flatMap(({ path, field }) =>
      Object.entries(field.fields ?? {}).map(([child, value]) => ({
        name: child,
        path: keyed(path, child),
        field: { ...value, since: laterOf(field.since, value.since) },
      })),
    )
    const found = level.find(place => place.name === name)
    if (found !== undefined) return placeIn(version, found)
  }
  return undefined
}

interface Place {
  name: string
  path: string
  field: Field
}

function laterOf(one: OperatorVersion = '3.0.0', other: OperatorVersion = '3.0.0'): OperatorVersion {
  return isFrom(one, other) ? one : other
}

function placeIn(version: OperatorVersion, { path, field: { since = '3.0.0' } }: Place): string {
  return isFrom(version, since) ? path : `${path}, from ${since} on`
}
