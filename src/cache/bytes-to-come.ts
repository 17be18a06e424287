import type { Download } from '../nim/downloads.ts'
import type { ManifestFile, ModelManifest } from '../profiles/model-manifest.ts'
import { askedIds } from './asked.ts'
import type { CacheTree } from './cache-tree.ts'
import { parseSnapshotPath } from './snapshots.ts'

/**
 * How many bytes a download adds to a directory, each file of NGC counted once; `undefined` where the manifest does not
 * tell the size of one of them, as most don't, or where there is no manifest.
 *
 * @param tree what lies there already.
 */
export function bytesToCome(
  download: Download,
  { manifest, tree }: { manifest: ModelManifest; tree: Pick<CacheTree, 'entries'> },
): number | undefined {
  const asked = new Set(askedIds(download, manifest))
  const files = manifest.profiles.filter(({ id }) => asked.has(id)).flatMap(profile => profile.files)
  const sizes = new Map(files.map(file => [addressOf(file), file.size]))
  if (sizes.size === 0 || [...sizes.values()].includes(undefined)) return undefined
  const held = heldIn(tree, download)
  let bytes = 0
  for (const [address, size = 0] of sizes) if (!held.has(address)) bytes += size
  // Of a model store both lie there for a while: what was downloaded, and the copy.
  return download.form === 'flat' ? 2 * bytes : bytes
}

function heldIn({ entries }: Pick<CacheTree, 'entries'>, { form }: Download): ReadonlySet<string> {
  if (form !== 'hub') return new Set()
  const held = entries.flatMap(entry => {
    const place = entry.type === 'link' && entry.resolved === undefined ? undefined : parseSnapshotPath(entry.path)
    return place === undefined ? [] : [addressOf(place)]
  })
  return new Set(held)
}

function addressOf({
  repository = '',
  version = '',
  file,
}: Pick<ManifestFile, 'repository' | 'version' | 'file'>): string {
  return `${repository}:${version}/${decoded(file)}`
}

/** Addresses in manifests may be percent-encoded, names on disk are not. */
function decoded(file: string): string {
  try {
    return decodeURIComponent(file)
  } catch (error) {
    if (error instanceof URIError) return file
    throw error
  }
}
