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

/** Names that no object has there, and names that some version does not have. */
const names = [
  'affinity',
  'priorityClassName',
  'initContainers',
  'emptyDir',
  'labels',
  'computeDomain',
  'ray',
  'resource',
  'replica',
  'Image',
  'router',
  'ingress',
  'unknownField',
  'hostpath',
  'nimcache',
  'claims',
]

/** A copy of an object with one thing below its spec changed: a value, a name, an item, or a field more or less. */
export function mutate(object: { spec?: unknown }, random: Random): { object: object; what: string } {
  const changed = structuredClone(object)
  const spots = [...spotsOf(changed.spec)]
  if (spots.length === 0) return { object: changed, what: 'nothing' }
  // Most fields lie deep; those near the top have most of the rules.
  const top = spots.filter(({ holder }) => holder === changed.spec)
  const { holder, key } = pick(random, random() < 0.3 ? top : spots)
  const kind = pick(random, ['value', 'value', 'value', 'remove', 'add', 'repeat'] as const)
  if (kind === 'value') set(holder, key, structuredClone(otherValue(holder, key, random)))
  if (kind === 'remove') remove(holder, key)
  if (kind === 'add') add(holder, random)
  if (kind === 'repeat' && Array.isArray(holder)) holder.push(structuredClone(holder[Number(key)]))
  return { object: changed, what: `${kind} at ${key}` }
}

/** Of the same type more often than not: another type is refused in the same way everywhere. */
function otherValue(holder: Container, key: string | number, random: Random): unknown {
  const value = Array.isArray(holder) ? holder[Number(key)] : holder[key]
  const alike = values.filter(other => typeof other === typeof value)
  return pick(random, alike.length > 0 && random() < 0.7 ? alike : values)
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
  else holder[pick(random, names)] = structuredClone(pick(random, values))
}
