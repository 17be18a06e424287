import { expect, inject, it } from 'vitest'

import { newSeed, seeded } from '../seeded.ts'
import type {} from '../servers/global-setup.ts'
import { runCampaign } from './run-campaign.ts'

const seed = newSeed()

/** `npm run campaign` kills 200 times. */
it(`goes on after kill -9, at any moment (seed ${seed})`, { timeout: 600_000 }, async () => {
  const results = await runCampaign(inject('s3Env'), { uploadKills: 9, downloadKills: 1, random: seeded(seed) })
  expect(results.filter(({ problems }) => problems.length > 0)).toEqual([])
  expect(new Set(results.map(({ phase }) => phase))).toEqual(
    new Set(['create', 'part', 'complete', 'copy', 'inventory', 'put', 'range']),
  )
})
