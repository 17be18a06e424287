import { parseArgs } from 'node:util'

import { newSeed, seeded } from '../seeded.ts'
import { judgeCampaign } from './judge.ts'
import type { KillResult } from './kill.ts'
import { runCampaign } from './run-campaign.ts'
import { campaignStores } from './stores/all.ts'
import type { CampaignStore } from './stores/campaign-store.ts'
import { renderTable } from './table.ts'

const usage = `npm run campaign -- [--store NAME,…] [--kills N] [--seed S]
  --store   of ${campaignStores.map(({ name }) => name).join(', ')}, or all (s3)
  --kills   uploads to each store; a fifth as many downloads come on top (200)
  --seed    of the cache and of the moments
`

/** A server keeps what was deleted for a while: a new one now and then keeps the disk small. */
const killsAServer = 25

const say = (line: string) => process.stdout.write(`${line}\n`)

/** Kills uploads and downloads at seeded moments, and proves after each that the same command mends it. */
async function campaign(store: CampaignStore, { kills, seed }: { kills: number; seed: number }): Promise<boolean> {
  const { name } = store
  say(`${name}, seed ${seed}: again with npm run campaign -- --store ${name} --kills ${kills} --seed ${seed}`)
  const random = seeded(seed)
  const started = performance.now()
  const results: KillResult[] = []
  const onKill = (result: KillResult, run: string) => {
    results.push(result)
    for (const problem of result.problems) say(`${run}, killed at ${result.phase} (${result.stage}): ${problem}`)
    if (results.length % killsAServer === 0) say(`${results.length} kills after ${seconds(started)}`)
  }
  const objections: string[] = []
  try {
    for (let done = 0; done < kills; done += killsAServer) {
      const uploadKills = Math.min(killsAServer, kills - done)
      const downloadKills = store.downloads ? Math.ceil(uploadKills / 5) : 0
      await runCampaign(store, { uploadKills, downloadKills, random, onKill })
    }
  } catch (error) {
    objections.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  say(renderTable(results))
  say(`${name}: seed ${seed}, ${results.length} kills in ${seconds(started)}.`)
  objections.push(...judgeCampaign(results, store.phases))
  for (const objection of objections) say(`${name}: ${objection}`)
  return objections.length === 0
}

const seconds = (started: number) => `${((performance.now() - started) / 1000).toFixed(0)} s`

function readOptions() {
  const { values } = parseArgs({
    options: {
      store: { type: 'string', default: 's3' },
      kills: { type: 'string', default: '200' },
      seed: { type: 'string', default: String(newSeed()) },
    },
  })
  const names = values.store.split(',')
  const unknown = names.find(name => name !== 'all' && !campaignStores.some(store => store.name === name))
  if (unknown !== undefined) throw new Error(`There is no store ${unknown} here.`)
  const [kills, seed] = [Number(values.kills), Number(values.seed)]
  if (!Number.isInteger(kills) || kills < 1) throw new Error(`--kills ${values.kills}: expected a number above 0.`)
  if (!Number.isInteger(seed)) throw new Error(`--seed ${values.seed}: expected a whole number.`)
  return { stores: campaignStores.filter(({ name }) => names.includes('all') || names.includes(name)), kills, seed }
}

try {
  const { stores, kills, seed } = readOptions()
  // What goes wrong at one hides none of the others.
  for (const store of stores) if (!(await campaign(store, { kills, seed }))) process.exitCode = 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
}
