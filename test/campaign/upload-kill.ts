import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { nimctl } from '../e2e/nimctl.ts'
import { readHashes } from './bucket.ts'
import { carriedAgain, runAndKill, runWatched, sameRecord, type KillResult } from './kill.ts'
import type { Place } from './place.ts'
import type { KillPlan } from './plan-kills.ts'
import type { Exchange } from './watcher.ts'

const partSize = 5 * 2 ** 20

export function uploadArguments(place: Place, prefix: string, concurrency: number): string[] {
  const engine = ['--part-size', String(partSize), '--concurrency', String(concurrency)]
  return ['upload', place.cache, place.url(prefix), ...place.flags, '--layout', place.layout, ...engine, '--json']
}

/**
 * Kills an upload, runs it again to its end, and looks at everything that must hold then.
 *
 * @param expected SHA-256 by key of what has to lie in the store then, without the inventory.
 */
export async function killUpload(
  place: Place,
  { name, plan, expected }: { name: string; plan: KillPlan; expected: Record<string, string> },
): Promise<KillResult> {
  const prefix = `${name}/`
  const args = uploadArguments(place, prefix, plan.concurrency)
  // What a former kill's run has learnt of the cache.
  await rm(join(place.cache, '.nimctl/sums.jsonl'), { force: true })
  const killed = await runAndKill(place, args, { name, prefix, plan })
  const atRest: AtRest = { whole: await place.view.sizes(prefix), noted: await readNoted(place.state(name)) }
  const second = await runWatched(place, args, { name, prefix })
  const again = place.watcher.exchanges
  const problems = [
    ...killed.problems,
    ...(second.exitCode === 0
      ? []
      : [`The second run exited with ${second.exitCode}: ${second.stdout}${second.stderr}`]),
    ...sentNeedlessly(again, place.tellsContent ? atRest : withoutUnknown(atRest)),
    ...tooManyInFlight(killed.exchanges, atRest, { expected, most: place.mostBegun ?? plan.concurrency }),
    ...(place.tellsContent ? [] : tooManyUnknown(killed.exchanges, atRest, plan.concurrency)),
    ...(await lookAtStore(place, name, expected)),
  ]
  return {
    command: 'upload',
    phase: plan.phase,
    stage: plan.stage,
    bytesMoved: killed.bytesMoved,
    againBytes: carriedAgain(killed.exchanges, again),
    problems,
  }
}

interface AtRest {
  /** Bytes by key of what lay in the store after the kill. */
  whole: ReadonlyMap<string, number>
  /** What stood in the journal after the kill. */
  noted: Noted
}

interface Noted {
  /** `KEY NUMBER` */
  parts: ReadonlySet<string>
  /** Keys of whole ones. */
  objects: ReadonlySet<string>
}

const partName = ({ key, number }: Exchange) => `${key} ${number}`

/** As if what lies there and is not noted did not: it goes again, with its parts. */
function withoutUnknown({ whole, noted: { parts, objects } }: AtRest): AtRest {
  const isKnown = (key: string) => objects.has(key) || !whole.has(key)
  return {
    whole: new Map([...whole].filter(([key]) => isKnown(key))),
    noted: { parts: new Set([...parts].filter(part => isKnown(part.split(' ')[0] ?? ''))), objects },
  }
}

/** What is whole in the store, or noted as finished, may not travel again. */
function sentNeedlessly(again: readonly Exchange[], { whole, noted }: AtRest): string[] {
  return again.flatMap(exchange => {
    const { phase, key } = exchange
    if (phase === 'put' && whole.has(key)) return [`${key} was sent again, and lay in the store.`]
    if (phase === 'copy' && whole.has(key)) return [`${key} was copied again, and lay in the store.`]
    if (phase === 'part' && whole.has(key)) return [`A part of ${key} was sent again, which lay in the store.`]
    if (phase === 'part' && noted.parts.has(partName(exchange)))
      return [`The finished part ${partName(exchange)} went again.`]
    return []
  })
}

/**
 * A part holds its place among those in flight until it is noted: no more than so many can get lost. What goes to several
 * keys, as where links are followed, is one.
 */
function tooManyInFlight(
  killed: readonly Exchange[],
  { whole, noted }: AtRest,
  { expected, most }: { expected: Record<string, string>; most: number },
): string[] {
  const lost = killed.filter(
    exchange => exchange.phase === 'part' && !whole.has(exchange.key) && !noted.parts.has(partName(exchange)),
  )
  const contents = new Set(lost.map(({ key, number }) => `${expected[key] ?? key} ${number}`))
  return contents.size <= most ? [] : [`${contents.size} parts were in flight, not ${most}.`]
}

/** The same of small files, where the store can't tell what they hold. */
function tooManyUnknown(killed: readonly Exchange[], { whole, noted }: AtRest, most: number): string[] {
  const sent = new Set(killed.filter(({ phase }) => phase === 'put').map(({ key }) => key))
  const unknown = [...sent].filter(key => whole.has(key) && !noted.objects.has(key))
  return unknown.length <= most ? [] : [`${unknown.length} small files were whole and not noted, not ${most}.`]
}

async function lookAtStore(place: Place, name: string, expected: Record<string, string>): Promise<string[]> {
  const prefix = `${name}/`
  const { inventory, contents } = await readStore(place, prefix)
  const leftovers = await place.view.leftovers(prefix)
  const valid = await nimctl(['validate', 'store', place.url(prefix), ...place.flags], { env: place.env(name) })
  const left = (await readdir(place.state(name), { recursive: true })).filter(path => path.endsWith('.lock'))
  return [
    ...(inventory === undefined ? ['There is no inventory.'] : []),
    ...sameRecord(contents, expected),
    ...leftovers.map(left => `An upload was left open: ${left}`),
    ...(valid.exitCode === 0 ? [] : [`validate store exited with ${valid.exitCode}: ${valid.stdout}${valid.stderr}`]),
    ...left.map(path => `The lock ${path} was left.`),
  ]
}

/** SHA-256 by key of what lies below a prefix, and of the inventory by itself. */
export async function readStore(
  { view }: Place,
  prefix: string,
): Promise<{ inventory: string | undefined; contents: Record<string, string> }> {
  const { '.nimctl/inventory.jsonl': inventory, ...contents } = await readHashes(view, prefix)
  return { inventory, contents }
}

/** Reads the journal without its own reader: the last line may be cut. */
async function readNoted(state: string): Promise<Noted> {
  const folder = join(state, 'uploads')
  const names = await readdir(folder).catch((): string[] => [])
  const parts = new Set<string>()
  const objects = new Set<string>()
  for (const name of names.filter(each => each.endsWith('.jsonl'))) {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1)
    for (const line of lines) {
      const { event, key, part } = JSON.parse(line)
      if (event === 'part') parts.add(`${key} ${part.number}`)
      if (event === 'object') objects.add(key)
      if (event === 'gone') objects.delete(key)
    }
  }
  return { parts, objects }
}
