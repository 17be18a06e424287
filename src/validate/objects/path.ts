/** A name in an object, or an index in a list. */
export type PathStep = string | number

/** Of `spec.env[0].name` or `metadata.labels["a.b/c"]`. */
const step = /\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]|([^.[\]]+)/g

export function parsePath(path: string): PathStep[] {
  return [...path.matchAll(step)].map(([, index, quoted, name = '']) => {
    if (index !== undefined) return Number(index)
    return quoted === undefined ? name : String(JSON.parse(quoted))
  })
}
