import { describe, expect, inject, it } from 'vitest'

import { newSeed, seeded } from '../seeded.ts'
import type {} from '../servers/global-setup.ts'
import { runCampaign } from './run-campaign.ts'
import { azure } from './stores/azure.ts'
import { file } from './stores/file.ts'
import { gs } from './stores/gs.ts'
import { hdfs } from './stores/hdfs.ts'
import { https } from './stores/https.ts'
import { s3At } from './stores/s3.ts'

/** Twenty times what it takes on a machine that does nothing else. */
const timeout = 1_200_000

/** Less than half of a campaign's: each is several requests, at HDFS a dozen. */
const smallFiles = 15

/** `npm run campaign -- --store all` kills 200 times at each. */
describe.each([newSeed()])('after kill -9, at any moment (seed %i)', seed => {
  it('an upload to S3, or a download, goes on', { timeout }, async () => {
    const store = s3At(inject('s3Env'))
    const kills = { uploadKills: store.phases.length + 1, downloadKills: 1 }
    const results = await runCampaign(store, { ...kills, smallFiles, random: seeded(seed) })
    expect(results.filter(({ problems }) => problems.length > 0)).toEqual([])
    expect(new Set(results.map(({ phase }) => phase))).toEqual(new Set([...store.phases, 'part', 'range']))
  })

  it.each([file, gs, azure, hdfs, https])('the same at $name', { timeout }, async store => {
    const kills = { uploadKills: 1, downloadKills: 0 }
    const results = await runCampaign(store, { ...kills, smallFiles, random: seeded(seed) })
    expect(results.filter(({ problems }) => problems.length > 0)).toEqual([])
    expect(results).toHaveLength(1)
  })
})
