import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { AzureSettings } from '../stores/azure/settings.ts'
import type { HdfsSettings } from '../stores/webhdfs/settings.ts'
import { NimctlError } from '../system/errors.ts'
import type { ProxySettings } from '../system/http/proxy.ts'
import { isSecretName, secret, type Secret } from '../system/secret.ts'
import type { Context } from './context.ts'

type Environment = Context['env']

/** Journals, locks and sums: `NIMCTL_STATE_DIR`, else `$XDG_STATE_HOME/nimctl`. */
export function stateDirectory(env: Environment): string {
  if (env.NIMCTL_STATE_DIR) return env.NIMCTL_STATE_DIR
  return join(env.XDG_STATE_HOME || join(env.HOME || homedir(), '.local', 'state'), 'nimctl')
}

/** What was read out of images, by their digests; it may be removed at any time. */
export function imageCacheDirectory(env: Environment): string {
  return join(env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache'), 'nimctl', 'images')
}

/** The key as NIM containers look for it: NGC_CLI_API_KEY comes first (reference/nim.md 5). */
export function ngcKey(env: Environment): Secret | undefined {
  const key = env.NGC_CLI_API_KEY || env.NGC_API_KEY
  return key ? secret(key) : undefined
}

/**
 * Where NGC is asked, by the variables of the containers (reference/nim.md 8); the scheme is for a stand-in.
 *
 * @throws NimctlError `usage` / `NGC_ENDPOINT_INVALID`.
 */
export function ngcAddresses(env: Environment): { api: URL; auth: URL } {
  const scheme = env.NGC_API_SCHEME || 'https'
  const address = (name: string, host: string): URL => {
    const url = URL.parse(host.includes('://') ? host : `${scheme}://${host}/`)
    if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return url
    throw new NimctlError('usage', 'NGC_ENDPOINT_INVALID', {
      what: `${name} is no address.`,
      next: 'Write it as HOST, HOST:PORT or, of a mirror, HOST/PATH.',
    })
  }
  return {
    api: address('NGC_API_ENDPOINT', env.NGC_API_ENDPOINT || 'api.ngc.nvidia.com'),
    auth: address('NGC_AUTH_ENDPOINT', env.NGC_AUTH_ENDPOINT || 'authn.nvidia.com'),
  }
}

/**
 * Of a model server. What can't stand in a header is refused before it is shown in an error of Node.js.
 *
 * @throws NimctlError `usage` / `ENDPOINT_KEY_INVALID`.
 */
export function endpointKey(env: Environment): Secret | undefined {
  const key = env.NIMCTL_ENDPOINT_KEY?.trim()
  if (!key) return undefined
  if (/^[\x21-\x7E]+$/.test(key)) return secret(key)
  throw new NimctlError('usage', 'ENDPOINT_KEY_INVALID', {
    what: 'NIMCTL_ENDPOINT_KEY is no key: it holds white space or characters that no header takes.',
    next: 'Give the key alone, without "Bearer" and without quotes.',
  })
}

/**
 * Of Hybrid Manager, in the words of its how-to.
 *
 * @throws NimctlError `auth` / `HM_KEY_MISSING`; `usage` / `HM_KEY_INVALID`.
 */
export function hybridManagerKey(env: Environment): Secret {
  const key = env.HM_ACCESS_KEY?.trim()
  if (!key) {
    throw new NimctlError('auth', 'HM_KEY_MISSING', {
      what: 'Hybrid Manager answers those who show an access key, and there is none.',
      next: 'Make one in its portal and export it: export HM_ACCESS_KEY=…',
    })
  }
  if (/^[\x21-\x7E]+$/.test(key)) return secret(key)
  throw new NimctlError('usage', 'HM_KEY_INVALID', {
    what: 'HM_ACCESS_KEY is no key: it holds white space or characters that no header takes.',
    next: 'Give the key alone, without quotes.',
  })
}

export function nimctlVersion(): string {
  const packageJson: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  if (typeof packageJson === 'object' && packageJson !== null && 'version' in packageJson) {
    return String(packageJson.version)
  }
  throw new Error('package.json has no version.')
}

/** How nimctl names itself in inventories. */
export function toolName(): string {
  return `nimctl/${nimctlVersion()}`
}

/** HTTPS_PROXY and NO_PROXY. The smaller names are older, and some tools know them alone. */
export function proxySettings(env: Environment): { proxy?: ProxySettings } {
  const url = env.HTTPS_PROXY || env.https_proxy
  const except = env.NO_PROXY || env.no_proxy
  return url ? { proxy: { url, ...(except !== undefined && { except }) } } : {}
}

/** The storage account, under the names of the Azure CLI. */
export function azureSettings(env: Environment): AzureSettings {
  const account = env.AZURE_STORAGE_ACCOUNT
  const key = env.AZURE_STORAGE_KEY
  const sasToken = env.AZURE_STORAGE_SAS_TOKEN
  const connectionString = env.AZURE_STORAGE_CONNECTION_STRING
  return {
    ...(account && { account }),
    ...(key && { key: secret(key) }),
    ...(sasToken && { sasToken: secret(sasToken) }),
    ...(connectionString && { connectionString: secret(connectionString) }),
  }
}

/** Who asks HDFS. Without a word of it Hadoop's clients take the name of whoever runs them. */
export function hdfsCaller(
  env: Environment,
  tokenFile: string | undefined,
): Pick<HdfsSettings, 'user' | 'token' | 'tokenFile'> {
  if (tokenFile !== undefined) return { tokenFile }
  if (env.NIMCTL_HDFS_TOKEN) return { token: secret(env.NIMCTL_HDFS_TOKEN) }
  const user = env.HADOOP_USER_NAME || env.USER
  return user ? { user } : {}
}

/** What Hadoop's own client gets: all but what others are to keep secret. */
export function hadoopEnvironment(env: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => /^(HADOOP|HDFS|KRB5)/.test(name) || !isSecretName(name)),
  )
}
