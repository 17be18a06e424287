import type { StoreOptions } from '../open.ts'
import type { Store } from '../store.ts'
import { parseHdfsUrl } from '../webhdfs/location.ts'
import { openWebhdfsStore } from '../webhdfs/open.ts'
import { findNamenodes, withDefaultHost } from './find-namenodes.ts'
import { readSite } from './site.ts'

/** HDFS, over WebHDFS: at the address that the settings give, else where URL and Hadoop's configuration say. */
export async function openHdfsStore(given: URL, options: StoreOptions): Promise<Store> {
  const { configurationDirectory, webhdfsUrls, onWay } = options.hdfs ?? {}
  const properties = configurationDirectory === undefined ? new Map() : await readSite(configurationDirectory)
  const { url } = parseHdfsUrl(withDefaultHost(given, properties))
  const { bases, way } =
    webhdfsUrls === undefined ? findNamenodes(url, properties) : { bases: webhdfsUrls, way: '--webhdfs-url' }
  if (url.protocol === 'hdfs:') onWay?.(`${url.protocol}//${url.host} over WebHDFS at ${bases.join(', ')} (${way})`)
  return await openWebhdfsStore(url, options, bases)
}
