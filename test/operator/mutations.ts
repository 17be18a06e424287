import { isObject } from '../emit/structural-schema.ts'
import { pick, type Random } from './random.ts'

type Container = Record<string, unknown> | unknown[]

interface Spot {
  holder: Container
  key: string | number
}

const values: readonly unknown[] = [
  null,
  '',
  'a',
  '-1Gi',
  '10 GB',
  'x'.repeat(64),
  'x'.repeat(254),
  'https://hub/v1/hf',
  'kserve',
  0,
  -1,
  1,
  0.5,
  65_535,
  65_536,
  2 ** 31,
  -(2 ** 31) - 1,
  1_000_001,
  true,
  false,
  [],
  {},
  [null],
  ['a', 'a'],
  { name: 'a' },
]

const misspelt = ['resource', 'replica', 'Image', 'router', 'ingress', 'unknownField', 'hostpath', 'nimcache', 'claims']

/** A copy of an object with one thing below its spec changed: a value, a name, an item, or a field more or less. */
export function mutate(object: { spec?: unknown }, random: Random): { object: object; what: string } {
  const changed = structuredClone(object)
  const spots = [...spotsOf(changed.spec)]
  if (spots.length === 0) return { object: changed, what: 'nothing' }
  const { holder, key } = pick(random, spots)
  const kind = pick(random, ['value', 'value', 'value', 'remove', 'add', 'repeat'] as const)
  if (kind === 'value') set(holder, key, structuredClone(pick(random, values)))
  if (kind === 'remove') remove(holder, key)
  if (kind === 'add') add(holder, random)
  if (kind === 'repeat' && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]))
  return { object: changed, what: `${kind} at ${key}` }
}

function* spotsOf(value: unknown): Generator<Spot> {
  if (Array.isArray(value))
    for (const [key, item] of value.entries()) {
      yield { holder: value, key }
      yield* spotsOf(item)
    }
  else if (isObject(value))
    for (const [key, item] of Object.entries(value)) {
      yield { holder: value, key }
      yield* spotsOf(item)
    }
}

function set(holder: Container, key: string | number, value: unknown): void {
  if (Array.isArray(holder)) holder[Number(key)] = value
  else holder[key] = value
}

function remove(holder: Container, key: string | number): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1)
  else delete holder[key]
}

function add(holder: Container, random: Random): void {
  if (Array.isArray(holder)) holder.push(structuredClone(pick(random, values)))
  else holder[pick(random, misspelt)] = structuredClone(pick(random, values))
}
