import { join } from 'node:path'

import type { NimImage } from '../image/inspect.ts'
import type { Download } from '../nim/downloads.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import { type Check, type CheckStatus, worstFirst } from '../system/check.ts'
import { writeFileAtomically } from '../system/files.ts'
import { askedIds, sourcesOf } from './asked.ts'
import type { CacheRecord, CacheTree } from './cache-tree.ts'
import { presenceOf } from './check-tree.ts'
import { writeCacheRecord } from './record.ts'

interface RecordRequest {
  image: NimImage
  manifest: ModelManifest
  download: Download
  tool: string
  former: CacheRecord | undefined
  tree: CacheTree
  /** All of them, those that came out well too. */
  checks: readonly Check[]
}

/** Profiles and models of earlier runs of the same image stay in the record as long as their files are there. */
export async function recordCache(
  directory: string,
  { image, manifest, download, tool, former, tree, checks }: RecordRequest,
  warn: (code: string, message: string) => void,
): Promise<void> {
  const ofThisImage = former?.imageDigest === image.digest
  if (former !== undefined && !ofThisImage) {
    warn(
      'CACHE_OF_ANOTHER_IMAGE',
      `${directory} was filled from ${former.image} before (${former.imageDigest}); it is recorded as ${image.reference} now.`,
    )
  }
  const candidates = new Set([
    ...askedIds(download, manifest),
    ...(ofThisImage ? former.profiles.map(({ id }) => id) : []),
  ])
  const wanted = manifest.profiles.filter(({ id }) => candidates.has(id))
  const present = new Set(presenceOf(wanted, tree, download.form).flatMap(each => (each.present ? [each.id] : [])))
  const sources = [...new Set([...(ofThisImage ? (former.sources ?? []) : []), ...sourcesOf(download)])]
  if (image.manifest !== undefined) {
    await writeFileAtomically(join(directory, '.nimctl/model_manifest.yaml'), image.manifest.text)
  }
  await writeCacheRecord(directory, {
    formatVersion: 1,
    kind: 'CacheRecord',
    image: image.reference,
    imageDigest: image.digest,
    family: image.family,
    manifestVersion: manifest.schemaVersion,
    profiles: wanted
      .filter(({ id }) => present.has(id))
      .map(({ id, model, release, tags }) => ({
        id,
        ...(model !== undefined && { model }),
        ...(release !== undefined && { release }),
        tags,
      })),
    form: download.form,
    ...(sources.length > 0 && { sources }),
    tool,
    checks: summaries(checks),
  })
}

/** One line for each kind of check, with the worst of its verdicts. */
function summaries(checks: readonly Check[]): { name: string; status: CheckStatus }[] {
  const worst = new Map<string, CheckStatus>()
  for (const { name, status } of checks) {
    const known = worst.get(name)
    if (known === undefined || worstFirst.indexOf(status) < worstFirst.indexOf(known)) worst.set(name, status)
  }
  return [...worst].map(([name, status]) => ({ name, status }))
}
