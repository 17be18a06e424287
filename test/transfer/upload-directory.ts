import type { CacheRecord } from '../../src/cache/cache-tree.ts'
import { scanCacheTree } from '../../src/cache/scan.ts'
import type { Layout } from '../../src/inventory/inventory.ts'
import type { Store } from '../../src/stores/store.ts'
import { silent } from '../../src/system/progress.ts'
import { prepareUpload } from '../../src/transfer/prepare-upload.ts'
import { openDirectorySource } from '../../src/transfer/source.ts'
import { upload, type UploadedDestination } from '../../src/transfer/upload.ts'

const { signal } = new AbortController()

/** As `nimctl upload --layout plain --part-size 1Mi --concurrency 1` does, or in another layout. */
export async function uploadDirectory(
  root: string,
  store: Store,
  stateDirectory: string,
  { layout = 'plain', record }: { layout?: Layout; record?: CacheRecord } = {},
): Promise<UploadedDestination> {
  const source = await openDirectorySource(await scanCacheTree(root), stateDirectory)
  const prepared = await prepareUpload({
    source,
    record,
    store,
    layout,
    replace: false,
    delete: false,
    stateDirectory,
    tool: 'nimctl/test',
    signal,
  })
  const options = { memory: 2 ** 23, partSize: 2 ** 20, concurrency: 1, signal, report: silent }
  const [done] = await upload(source, [prepared], options)
  if (done === undefined) throw new Error('There is no result.')
  return done
}
