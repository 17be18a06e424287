import { InvalidArgumentError } from 'commander'

/** Parsers for flags of `emit` alone. Each refuses with one sentence of what would be right. */

/** `KEY=VALUE` of a map that may be repeated. @param example of one, for the refusal. */
export function collectPair(example: string) {
  return (text: string, before: Record<string, string> | undefined): Record<string, string> => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (key === undefined || value === undefined) throw new InvalidArgumentError(`Expected a pair such as ${example}.`)
    return { ...before, [key]: value }
  }
}

/** apimachinery's resource.Quantity, in the forms that people write. */
const quantity = /^\d+(\.\d+)?(m|[kMGTPE]i?)?$/

/** `cpu=4,memory=16Gi`, as kubectl takes it; may be repeated. */
export function collectQuantities(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const pairs = text.split(',').map(item => {
    const [, name, value = ''] = /^([^=]+)=(.+)$/.exec(item.trim()) ?? []
    if (name === undefined || !quantity.test(value))
      throw new InvalidArgumentError('Expected names and quantities such as cpu=4,memory=16Gi.')
    return [name, value] as const
  })
  return { ...before, ...Object.fromEntries(pairs) }
}

export function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('Expected a port between 1 and 65535.')
}

/** Of GPUs and replicas, none is a number too. */
export function parseNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Expected a whole number, 0 or more.')
}

/** `NAMESPACE/NAME`. */
export function parseNamespacedName(text: string): { namespace: string; name: string } {
  const [, namespace, name] = /^([a-z0-9][a-z0-9-]*)\/([a-z0-9][a-z0-9.-]*)$/.exec(text) ?? []
  if (namespace !== undefined && name !== undefined) return { namespace, name }
  throw new InvalidArgumentError('Expected a namespace and a name such as istio-system/gateway.')
}
