import type { Download } from '../nim/downloads.ts'
import { fileAddress } from '../profiles/file-address.ts'
import type { ManifestFile, ModelManifest } from '../profiles/model-manifest.ts'
import { askedIds } from './asked.ts'
import type { CacheTree } from './cache-tree.ts'
import { parseSnapshotPath } from './snapshots.ts'

/** Asks elsewhere for sizes that a manifest does not tell: bytes by `fileAddress`, of as many as are known. */
export type AskSizes = (files: readonly ManifestFile[]) => Promise<ReadonlyMap<string, number>>

/**
 * How many bytes a download adds to a directory, each file of NGC counted once; `undefined` where nobody tells the size
 * of one of them, or where there is no manifest.
 *
 * @param tree what lies there already.
 * @param askSizes is asked for what is not there and has no size in the manifest, as most have none.
 */
export async function bytesToCome(
  download: Download,
  {
    manifest,
    tree,
    askSizes,
  }: { manifest: ModelManifest; tree: Pick<CacheTree, 'entries'>; askSizes?: AskSizes | undefined },
): Promise<number | undefined> {
  const asked = new Set(askedIds(download, manifest))
  const files = manifest.profiles.filter(({ id }) => asked.has(id)).flatMap(profile => profile.files)
  if (files.length === 0) return undefined
  const held = heldIn(tree, download)
  const coming = new Map(files.map(file => [fileAddress(file) ?? file.path, file]))
  for (const address of held) coming.delete(address)
  const untold = [...coming.values()].filter(({ size }) => size === undefined)
  const told = untold.length === 0 ? undefined : await askSizes?.(untold)
  let bytes = 0
  for (const [address, { size = told?.get(address) }] of coming) {
    if (size === undefined) return undefined
    bytes += size
  }
  // Of a model store both lie there for a while: what was downloaded, and the copy.
  return download.form === 'flat' ? 2 * bytes : bytes
}

function heldIn({ entries }: Pick<CacheTree, 'entries'>, { form }: Download): string[] {
  if (form !== 'hub') return []
  return entries.flatMap(entry => {
    const place = entry.type === 'link' && entry.resolved === undefined ? undefined : parseSnapshotPath(entry.path)
    return place === undefined ? [] : [fileAddress(place) ?? '']
  })
}
