import { NimctlError } from '../../system/errors.ts'
import type { Properties } from './site.ts'

export interface FoundNamenodes {
  /** Origins where they speak HTTP, in the order of the configuration. */
  bases: URL[]
  /** How they were found, for people. */
  way: string
}

/**
 * The HTTP addresses of the namenodes that a URL means. A name without a port may be a nameservice with several.
 * Settings: https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-hdfs/hdfs-default.xml
 *
 * @param url with a host.
 * @throws NimctlError `usage` / `HADOOP_CONFIGURATION_INVALID`.
 */
export function findNamenodes(url: URL, properties: Properties): FoundNamenodes {
  const secure = url.protocol === 'swebhdfs:' || properties.get('dfs.http.policy') === 'HTTPS_ONLY'
  const setting = secure ? 'dfs.namenode.https-address' : 'dfs.namenode.http-address'
  const origin = (address: string): URL => originOf(address, { secure, host: url.hostname, setting })
  const service = url.hostname

  if (url.port === '' && listOf(properties.get('dfs.nameservices')).includes(service)) {
    const ids = listOf(properties.get(`dfs.ha.namenodes.${service}`))
    const names = ids.length === 0 ? [`${setting}.${service}`] : ids.map(id => `${setting}.${service}.${id}`)
    const addresses = names.map(name => properties.get(name) ?? missing(name, service))
    return { bases: addresses.map(origin), way: `the nameservice ${service} in hdfs-site.xml` }
  }
  if (url.protocol !== 'hdfs:') {
    const port = url.port || usualPort(secure)
    return { bases: [origin(`${url.hostname}:${port}`)], way: 'the URL' }
  }
  const address = isDefault(url, properties) ? properties.get(setting) : undefined
  if (address !== undefined) return { bases: [origin(address)], way: `${setting} in hdfs-site.xml` }
  return { bases: [origin(`${url.hostname}:${usualPort(secure)}`)], way: `Hadoop's usual port ${usualPort(secure)}` }
}

/** `hdfs:///path` is a path in the file system that the configuration calls the default. */
export function withDefaultHost(url: URL, properties: Properties): URL {
  const usual = properties.get('fs.defaultFS')
  if (url.hostname !== '' || usual === undefined || !URL.canParse(usual)) return url
  return new URL(`${url.protocol}//${new URL(usual).host}${url.pathname}`)
}

/** Addresses without a nameservice's name are those of the only one. */
function isDefault(url: URL, properties: Properties): boolean {
  const usual = properties.get('fs.defaultFS')
  return usual !== undefined && URL.canParse(usual) && new URL(usual).host === url.host
}

function usualPort(secure: boolean): string {
  return secure ? '9871' : '9870'
}

function originOf(address: string, { secure, host, setting }: { secure: boolean; host: string; setting: string }): URL {
  // Servers that listen everywhere say so in the same setting.
  const text = `${secure ? 'https' : 'http'}://${address.replace(/^0\.0\.0\.0(?=:)/, host)}`
  if (URL.canParse(text)) return new URL(text)
  throw new NimctlError('usage', 'HADOOP_CONFIGURATION_INVALID', {
    what: `"${address}" is no address of a namenode (${setting}).`,
    next: 'Correct hdfs-site.xml in HADOOP_CONF_DIR, or name the namenode: --webhdfs-url URL',
  })
}

function missing(name: string, service: string): never {
  throw new NimctlError('usage', 'HADOOP_CONFIGURATION_INVALID', {
    what: `Hadoop's configuration does not say where the nameservice ${service} speaks HTTP.`,
    why: `hdfs-site.xml has no ${name}.`,
    next: 'Add it, or name the namenodes: --webhdfs-url URL,URL',
  })
}

function listOf(text: string | undefined): string[] {
  return (text ?? '').split(',').flatMap(item => item.trim() || [])
}
