import { NimctlError } from '../../system/errors.ts'
import type { StoreOptions } from '../open.ts'
import type { Store } from '../store.ts'
import { parseHdfsUrl } from '../webhdfs/location.ts'
import { openWebhdfsStore } from '../webhdfs/open.ts'
import { findNamenodes, withDefaultHost } from './find-namenodes.ts'
import { readSite } from './site.ts'

/**
 * HDFS, over WebHDFS: at the address that the settings give, else where URL and Hadoop's configuration say. By Hadoop's own
 * client where the settings say so.
 *
 * @throws NimctlError `usage` / `HDFS_CLIENT_UNFIT` for URLs that say `webhdfs`.
 */
export async function openHdfsStore(given: URL, options: StoreOptions): Promise<Store> {
  const { configurationDirectory, webhdfsUrls, onWay } = options.hdfs ?? {}
  const properties = configurationDirectory === undefined ? new Map() : await readSite(configurationDirectory)
  const location = parseHdfsUrl(withDefaultHost(given, properties))
  const { url } = location
  if (options.hdfs?.clientEnvironment !== undefined) {
    if (url.protocol !== 'hdfs:') throw clientUnfit(url)
    onWay?.(`hdfs://${url.host} by the installed program hdfs, over RPC (--hdfs-client)`)
    return (await import('./client/open.ts')).openShellStore(location, options.hdfs)
  }
  const { bases, way } =
    webhdfsUrls === undefined ? findNamenodes(url, properties) : { bases: webhdfsUrls, way: '--webhdfs-url' }
  if (url.protocol === 'hdfs:') onWay?.(`${url.protocol}//${url.host} over WebHDFS at ${bases.join(', ')} (${way})`)
  return await openWebhdfsStore(url, options, bases)
}

function clientUnfit({ protocol, host, pathname }: URL): NimctlError {
  return new NimctlError('usage', 'HDFS_CLIENT_UNFIT', {
    what: `--hdfs-client does not go with ${protocol}//.`,
    why: 'It speaks RPC, not HTTP.',
    next: `Write the URL with the namenode's address for RPC: hdfs://${host.replace(/:\d+$/, '')}:8020${pathname}`,
  })
}
