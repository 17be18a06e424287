/** resource.Quantity of apimachinery, as the CRDs' pattern has it. */
export const quantityPattern =
  '^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$'

const quantityForm = new RegExp(quantityPattern)
const decimals: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binaries = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

export function isQuantity(value: unknown): boolean {
  return Number.isInteger(value) || (typeof value === 'string' && quantityForm.test(value))
}

/** The number that a quantity stands for, such as bytes or cores; `undefined` where it is none. */
export function quantityValue(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value !== 'string' || !quantityForm.test(value)) return undefined
  const [, amount = '', suffix = ''] = /^([+-]?[0-9.]+)(.*)$/.exec(value) ?? []
  const power = binaries.indexOf(suffix)
  if (power >= 0) return Number(amount) * 1024 ** (power + 1)
  const exponent = /^[eE](.+)$/.exec(suffix)?.[1]
  return Number(amount) * 10 ** (exponent === undefined ? (decimals[suffix] ?? 0) : Number(exponent))
}
