/** `undefined` where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** What lies under these names, one inside the other, in JSON or an error of somebody else. */
export function read(value: unknown, ...names: string[]): unknown {
  let found = value
  for (const name of names) {
    found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined
  }
  return found
}

/** `undefined` where it is empty too. */
export function textAt(value: unknown, ...names: string[]): string | undefined {
  const found = read(value, ...names)
  return typeof found === 'string' && found !== '' ? found : undefined
}

export function numberAt(value: unknown, ...names: string[]): number | undefined {
  const found = read(value, ...names)
  return typeof found === 'number' ? found : undefined
}
