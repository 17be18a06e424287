import { parseArgs } from 'node:util'

import { newSeed, seeded } from '../seeded.ts'
import { describeMissing, installParts } from '../servers/install.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'
import { judgeCampaign } from './judge.ts'
import type { KillResult } from './kill.ts'
import { runCampaign } from './run-campaign.ts'
import { renderTable } from './table.ts'

/** A server keeps what was deleted for a while: a new one now and then keeps the disk small. */
const killsAServer = 25

/** Kills uploads and downloads at seeded moments, and proves after each that the same command mends it. */
async function campaign({ kills, seed }: { kills: number; seed: number }): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  const { missing } = await installParts(['seaweedfs'])
  if (missing.length > 0) throw new Error(`The campaign needs a server:\n${describeMissing(missing)}`)
  say(`Seed ${seed}: again with npm run campaign -- --kills ${kills} --seed ${seed}`)
  const random = seeded(seed)
  const started = performance.now()
  const results: KillResult[] = []
  const onKill = (result: KillResult, name: string) => {
    results.push(result)
    for (const problem of result.problems) say(`${name}, killed at ${result.phase} (${result.stage}): ${problem}`)
    if (results.length % killsAServer === 0) say(`${results.length} kills after ${seconds(started)}`)
  }
  for (let done = 0; done < kills; done += killsAServer) {
    const uploadKills = Math.min(killsAServer, kills - done)
    const server = await startSeaweedfs({ credentials, buckets: ['models'] })
    try {
      const downloadKills = Math.ceil(uploadKills / 5)
      await runCampaign(server.env, { uploadKills, downloadKills, random, onKill })
    } finally {
      await server.stop()
    }
  }
  say(renderTable(results))
  say(`Seed ${seed}, ${results.length} kills in ${seconds(started)}.`)
  const objections = judgeCampaign(results)
  for (const objection of objections) say(objection)
  return objections.length === 0 ? 0 : 1
}

/** No secret: the server listens on loopback and lives as long as the campaign. */
const credentials = { accessKeyId: 'nimctl-test', secretAccessKey: 'nimctl-test-secret' }

const seconds = (started: number) => `${((performance.now() - started) / 1000).toFixed(0)} s`

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: String(newSeed()) } },
})
process.exitCode = await campaign({ kills: Number(values.kills), seed: Number(values.seed) })
