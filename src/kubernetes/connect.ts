import type { KubeConfig } from '@kubernetes/client-node'

import { NimctlError } from '../system/errors.ts'
import { isExcepted, type ProxySettings } from '../system/http/proxy.ts'
import { isFields, type Kubeconfig, type KubeconfigPlaces, readKubeconfig } from './kubeconfig.ts'

export interface ClusterSettings extends KubeconfigPlaces {
  /** `--context`; default: the kubeconfig's current one. */
  context?: string
  /** `--namespace`; default: the context's, in a pod its own, else `default`. */
  namespace?: string
  /** `KUBERNETES_SERVICE_HOST`: nimctl runs in a pod itself, and takes its service account where no kubeconfig is. */
  inCluster: boolean
  /** Of the environment; a kubeconfig's own comes first. */
  proxy?: ProxySettings
}

export interface Connection {
  config: KubeConfig
  server: string
  namespace: string
}

/**
 * Finds API server, log-in and namespace as kubectl does. Nothing is asked yet.
 *
 * @throws NimctlError `usage` / `CLUSTER_NOT_NAMED`, `CONTEXT_NOT_FOUND`, `KUBECONFIG_INVALID`, and what
 * `readKubeconfig` throws.
 */
export async function findCluster(settings: ClusterSettings): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node')
  const kubeconfig = await readKubeconfig(settings)
  const config = new KubeConfig()
  if (kubeconfig !== undefined) {
    const context = chooseContext(kubeconfig, settings.context)
    config.loadFromString(JSON.stringify(completed(kubeconfig)))
    config.setCurrentContext(context)
    useTokenFiles(config, kubeconfig)
  } else if (settings.inCluster && settings.context === undefined) {
    config.loadFromCluster()
  } else {
    throw notNamed()
  }
  const context = config.getContextObject(config.getCurrentContext())
  const server = config.getCurrentCluster()?.server
  if (!server) throw contextIncomplete(config.getCurrentContext())
  if (settings.proxy !== undefined) useProxy(config, new URL(server), settings.proxy)
  return { config, server, namespace: settings.namespace ?? (context?.namespace?.trim() || 'default') }
}

function chooseContext({ contexts, 'current-context': current }: Kubeconfig, asked: string | undefined): string {
  const name = asked ?? current
  if (!name) throw notNamed()
  if (contexts.some(context => context.name === name)) return name
  const known = contexts.map(context => context.name).join(', ')
  throw new NimctlError('usage', 'CONTEXT_NOT_FOUND', {
    what: `The kubeconfig has no context ${name}.`,
    why: known === '' ? 'It has none at all.' : `It has: ${known}.`,
    next: 'Choose one with --context, or another file with --kubeconfig.',
  })
}

/**
 * What kubectl takes and the client library does not: addresses without TLS, contexts without a user, and log-in
 * programs that want to know who asks (KUBERNETES_EXEC_INFO,
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats).
 */
function completed({ clusters, users, contexts, ...rest }: Kubeconfig): Kubeconfig {
  return {
    ...rest,
    clusters: clusters.map(({ name, cluster }) => ({ name, cluster: { ...cluster, ...withoutTls(cluster) } })),
    users: [...users.map(({ name, user }) => ({ name, user: withExecInfo(user) })), { name: anonymous, user: {} }],
    contexts: contexts.map(({ name, context }) => ({
      name,
      context: { ...context, user: context['user'] || anonymous },
    })),
  }
}

function withoutTls({ server }: Record<string, unknown>): Record<string, unknown> {
  return typeof server === 'string' && server.startsWith('http:') ? { 'insecure-skip-tls-verify': true } : {}
}

const anonymous = 'nimctl: nobody'

function withExecInfo(user: Record<string, unknown>): Record<string, unknown> {
  const { exec } = user
  if (!isFields(exec)) return user
  const info = { kind: 'ExecCredential', apiVersion: exec['apiVersion'], spec: { interactive: false } }
  const env = Array.isArray(exec['env']) ? exec['env'] : []
  return {
    ...user,
    exec: { ...exec, env: [...env, { name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }] },
  }
}

/** `tokenFile` wins over `token` and is read anew each minute, as its content changes. The library knows neither. */
function useTokenFiles(config: KubeConfig, { users }: Kubeconfig): void {
  for (const { name, user } of users) {
    const { tokenFile } = user
    if (typeof tokenFile !== 'string' || tokenFile === '') continue
    const authProvider = { name: 'tokenFile', config: { tokenFile } }
    config.users = config.users.map(each => (each.name === name ? { ...each, token: '', authProvider } : each))
  }
}

/** As Go's programs understand HTTPS_PROXY: never for this machine. */
function useProxy(config: KubeConfig, { protocol, hostname, port }: URL, { url, except = '' }: ProxySettings): void {
  const host = hostname.replace(/^\[|\]$/g, '')
  const isHere = host === 'localhost' || host === '::1' || host.startsWith('127.')
  if (protocol !== 'https:' || isHere || isExcepted(host, port || '443', except)) return
  const proxyUrl = url.includes('://') ? url : `http://${url}`
  const current = config.getCurrentCluster()?.name
  config.clusters = config.clusters.map(each =>
    each.name === current ? { ...each, proxyUrl: each.proxyUrl || proxyUrl } : each,
  )
}

function notNamed(): NimctlError {
  return new NimctlError('usage', 'CLUSTER_NOT_NAMED', {
    what: 'No cluster is named.',
    why: 'Looked for --kubeconfig, KUBECONFIG, ~/.kube/config and a current context in it, and for the service account of a pod.',
    next: 'Give --kubeconfig FILE and --context NAME. What there is: kubectl config get-contexts',
  })
}

function contextIncomplete(context: string): NimctlError {
  return new NimctlError('usage', 'KUBECONFIG_INVALID', {
    what: `The context ${context} leads to no cluster.`,
    why: 'The kubeconfig has no server under the name that it gives.',
    next: 'See: kubectl config view',
  })
}
