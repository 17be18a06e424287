/** Plain data as YAML gives it, of which nothing is known yet. */
export type Plain = Record<string, unknown>

export function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What lies under a path of names; `undefined` where there is nothing, or something else than an object above it. */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((place, name) => (isPlain(place) ? place[name] : undefined), value) ?? undefined
}

export function objectAt(value: unknown, ...path: string[]): Plain | undefined {
  const found = at(value, ...path)
  return isPlain(found) ? found : undefined
}

/** The text under a path; empty where there is none, as the operator's Go structures have it. */
export function textAt(value: unknown, ...path: string[]): string {
  const found = at(value, ...path)
  return typeof found === 'string' ? found : ''
}

/** The items under a path; none where there is no list. */
export function listAt(value: unknown, ...path: string[]): unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}

export function textsAt(value: unknown, ...path: string[]): string[] {
  return listAt(value, ...path).filter(item => typeof item === 'string')
}
