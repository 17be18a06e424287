import { NimctlError } from '../../system/errors.ts'
import type { StorePlace } from '../request.ts'
import { endpointForPods } from './endpoint.ts'
import type { StoreAccess } from './store-access.ts'

/**
 * HDFS, over WebHDFS: the loader's image has no Hadoop client, and no configuration of the cluster.
 *
 * @throws NimctlError `usage` / `LOADER_STORE_UNSUPPORTED` with `--hdfs-client`.
 */
export function hdfsAccess(url: URL, { storeSettings = {} }: StorePlace): StoreAccess {
  const { hdfsClient, hdfsUser, webhdfsUrls = [] } = storeSettings
  if (hdfsClient === true) throw clientUnsupported(url)
  const endpoints = webhdfsUrls.map(endpointForPods)
  return {
    env: hdfsUser === undefined ? [] : [{ name: 'HADOOP_USER_NAME', value: hdfsUser }],
    flags: endpoints.length === 0 ? [] : ['--webhdfs-url', endpoints.map(({ address }) => address).join(',')],
    secret: {
      entries: [{ key: 'NIMCTL_HDFS_TOKEN' }, ...(hdfsUser === undefined ? [{ key: 'HADOOP_USER_NAME' }] : [])],
      howToMake:
        '--from-env-file=FILE, where FILE has the line NIMCTL_HDFS_TOKEN=…, a delegation token, or, where the cluster ' +
        'believes names, HADOOP_USER_NAME=…',
    },
    warnings: [
      ...endpoints.flatMap(({ warnings }) => warnings),
      ...(url.protocol === 'hdfs:' && endpoints.length === 0 ? [wayWarning(url)] : []),
    ],
  }
}

function wayWarning({ hostname }: URL): string {
  return (
    `The loader has no configuration of Hadoop: it asks http://${hostname}:9870. ` +
    'Where the namenode speaks HTTP elsewhere, or is a nameservice, name it with --webhdfs-url.'
  )
}

function clientUnsupported({ hostname }: URL): NimctlError {
  return new NimctlError('usage', 'LOADER_STORE_UNSUPPORTED', {
    what: "The loader can't read HDFS by Hadoop's own client.",
    why: 'Its image has no Java.',
    next: `Say where WebHDFS is spoken: --webhdfs-url http://${hostname}:9870`,
  })
}
