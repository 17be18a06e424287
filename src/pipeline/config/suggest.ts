import { closest, distance } from 'fastest-levenshtein'
import type * as v from 'valibot'

import { configSchema } from './schema.ts'

/** A schema as valibot keeps it: what holds other ones. */
interface Shape {
  entries?: Record<string, Shape>
  item?: Shape
  value?: Shape
  wrapped?: Shape
  options?: readonly Shape[]
  pipe?: readonly { type?: string; title?: string }[]
}

/** The key that was meant, or all that there are. @param path of an unknown key. */
export function suggestKey(path: readonly unknown[]): string {
  const known = Object.keys(entriesAt(path.slice(0, -1)))
  const wanted = String(path.at(-1))
  const nearest = closest(wanted.toLowerCase(), known)
  return distance(wanted.toLowerCase(), nearest.toLowerCase()) <= 2 ? nearest : known.join(', ')
}

/** What belongs under a key. */
export function describeKey(path: readonly unknown[]): string | undefined {
  const shape = entriesAt(path.slice(0, -1))[String(path.at(-1))]
  return (shape?.wrapped ?? shape)?.pipe?.find(({ type }) => type === 'title')?.title
}

function entriesAt(path: readonly unknown[]): Record<string, Shape> {
  const asShape = (schema: v.GenericSchema): Shape => schema as Shape
  let shapes = reveal(asShape(configSchema))
  for (const step of path)
    shapes = shapes.flatMap(shape => {
      const inside = typeof step === 'number' ? shape.item : (shape.entries?.[String(step)] ?? shape.value)
      return inside === undefined ? [] : reveal(inside)
    })
  return Object.assign({}, ...shapes.map(({ entries }) => entries))
}

/** Without what only wraps it. */
function reveal(shape: Shape): Shape[] {
  if (shape.wrapped !== undefined) return reveal(shape.wrapped)
  if (shape.options !== undefined) return shape.options.flatMap(reveal)
  return [shape]
}
