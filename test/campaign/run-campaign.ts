import { mkdir, writeFile } from 'node:fs/promises'

import { execa } from 'execa'

import { succeeded } from '../e2e/nimctl.ts'
import { readTree } from '../e2e/trees.ts'
import type { Seeded } from '../seeded.ts'
import { downloadArguments, killDownload } from './download-kill.ts'
import { type KillResult, runWatched, sameRecord } from './kill.ts'
import { openPlace, type Place } from './place.ts'
import { planDownloadKills, planUploadKills } from './plan-kills.ts'
import type { CampaignStore } from './stores/campaign-store.ts'
import { killUpload, readStore, uploadArguments } from './upload-kill.ts'
import type { Exchange } from './watcher.ts'

export interface CampaignOptions {
  uploadKills: number
  downloadKills: number
  random: Seeded
  /** Of one version of the cache. */
  smallFiles?: number
  /** After each kill. */
  onKill?: (result: KillResult, name: string) => void
}

/** Against one server; leaves nothing of it but an upload that ended well. */
export async function runCampaign(store: CampaignStore, options: CampaignOptions): Promise<KillResult[]> {
  const { uploadKills, downloadKills, random, smallFiles, onKill } = options
  const place = await openPlace(store, random, smallFiles)
  const run = `campaign-${process.pid}-${random.below(2 ** 30)}`
  const results: KillResult[] = []
  const take = (result: KillResult, name: string) => {
    results.push(result)
    onKill?.(result, name)
  }
  try {
    const calm = await runCalmly(place, run)
    const { phases } = store
    for (const [index, plan] of planUploadKills(uploadKills, { phases, calm: calm.upload, random }).entries()) {
      const name = `${run}-up-${index}`
      take(await killUpload(place, { name, plan, expected: calm.contents }), name)
      await place.view.clear(`${name}/`)
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

interface Calm {
  upload: readonly Exchange[]
  download: readonly Exchange[]
  /** SHA-256 by key. */
  contents: Record<string, string>
}

async function runCalmly(place: Place, run: string): Promise<Calm> {
  const prefix = `${run}/`
  succeeded(await runWatched(place, uploadArguments(place, prefix, 4), { name: run, prefix }))
  const upload = place.watcher.exchanges
  const { contents } = await readStore(place, prefix)
  const problems =
    place.layout === 'tar' ? await lookAtArchive(place, `${prefix}cache.tar`) : sameRecord(contents, place.contents)
  if (problems.length > 0) throw new Error(`An upload that was left alone:\n${problems.join('\n')}`)
  succeeded(await runWatched(place, downloadArguments(place, prefix, `${run}-back`), { name: run, prefix }))
  return { upload, download: place.watcher.exchanges, contents }
}

/** With the system's tar, which knows nothing of nimctl. */
async function lookAtArchive({ view, path, tree }: Place, key: string): Promise<string[]> {
  await mkdir(path('unpacked'))
  await writeFile(path('cache.tar'), await view.read(key))
  await execa('tar', ['--extract', '--file', path('cache.tar'), '--directory', path('unpacked')])
  return sameRecord(await readTree(path('unpacked')), tree)
}
