import { nimctl, succeeded } from '../e2e/nimctl.ts'
import type { Seeded } from '../seeded.ts'
import { downloadArguments, killDownload } from './download-kill.ts'
import type { KillResult } from './kill.ts'
import { openPlace, type Place } from './place.ts'
import { planDownloadKills, planUploadKills } from './plan-kills.ts'
import { killUpload, uploadArguments } from './upload-kill.ts'

export interface CampaignOptions {
  uploadKills: number
  downloadKills: number
  random: Seeded
  /** After each kill. */
  onKill?: (result: KillResult, name: string) => void
}

/** Against one server; leaves nothing of it but an upload that ended well. */
export async function runCampaign(s3Env: Record<string, string>, options: CampaignOptions): Promise<KillResult[]> {
  const { uploadKills, downloadKills, random, onKill } = options
  const place = await openPlace(s3Env, random)
  const run = `campaign-${process.pid}-${random.below(2 ** 30)}`
  const results: KillResult[] = []
  const take = (result: KillResult, name: string) => {
    results.push(result)
    onKill?.(result, name)
  }
  try {
    const calm = await runCalmly(place, run)
    for (const [index, plan] of planUploadKills(uploadKills, calm.upload, random).entries()) {
      const name = `${run}-up-${index}`
      take(await killUpload(place, name, plan), name)
      await place.bucket.clear(`${name}/`)
    }
    for (const [index, plan] of planDownloadKills(downloadKills, calm.download, random).entries()) {
      const name = `${run}-down-${index}`
      take(await killDownload(place, { name, prefix: `${run}/`, plan }), name)
    }
    return results
  } finally {
    await place.close()
  }
}

async function runCalmly(place: Place, run: string) {
  const prefix = `${run}/`
  place.proxy.watch(`${place.bucketName}/${prefix}`)
  succeeded(await nimctl(uploadArguments(place, prefix, 4), { env: place.env(run) }))
  const upload = place.proxy.exchanges
  place.proxy.watch(`${place.bucketName}/${prefix}`)
  succeeded(await nimctl(downloadArguments(place, prefix, `${run}-back`), { env: place.env(run) }))
  return { upload, download: place.proxy.exchanges }
}
