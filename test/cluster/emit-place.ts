import { globSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { nimctl, succeeded } from '../e2e/nimctl.ts'
import { writeFiles } from '../emit/run-argv.ts'
import { makeHubCache, smallRecord, temporaryDirectory } from '../hub-cache.ts'

/** Caches that were uploaded, for the placeholders of the rows. */
export async function makeEmitPlace(): Promise<Record<string, string>> {
  const directory = await temporaryDirectory()
  const path = (name: string) => join(directory, name)
  const [profile] = smallRecord.profiles
  const other = { id: 'decade'.padEnd(64, '0'), tags: { tp: '2', llm_engine: 'tensorrt_llm' } }
  const profiles = [...(profile === undefined ? [] : [profile]), other]
  await makeHubCache(path('caches'), { record: { ...smallRecord, profiles } })
  const env = { HOME: directory }
  const cache = pathToFileURL(path('store')).href
  const ngc = pathToFileURL(path('ngc-store')).href
  succeeded(await nimctl(['upload', path('caches'), cache], { env }))
  succeeded(await nimctl(['upload', path('caches'), ngc, '--layout', 'ngc'], { env }))
  await writeFile(path('patch.yaml'), 'kind: NIMService\nmetadata: {name: llama}\nspec: {replicas: 2}\n')
  const copied = { source: `docker://${smallRecord.image}`, destination: 'registry.internal:5000/nim/llama:1' }
  const images = [{ ...copied, digest: smallRecord.imageDigest, status: 'copied' }]
  await writeFile(path('mirrored.json'), JSON.stringify({ kind: 'MirrorResult', images }))
  return {
    cache,
    ngc,
    image: `${smallRecord.image}@${smallRecord.imageDigest}`,
    inventory: path('store/.nimctl/inventory.jsonl'),
    mirrored: path('mirrored.json'),
    patch: path('patch.yaml'),
    files: await writeFiles(),
    'ngc-inventory': globSync(path('ngc-store/.nimctl/*.jsonl'))[0] ?? '',
  }
}
