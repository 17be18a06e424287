/** A map of a YAML document. */
export type YamlMap = Record<string, unknown>

export function isMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A scalar as it is written. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
