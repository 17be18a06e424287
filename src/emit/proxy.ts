import { checkReferredName } from '../operator/names.ts'
import { isFrom, type OperatorVersion } from '../operator/versions.ts'
import { NimctlError } from '../system/errors.ts'
import { emitted, type EmitResult } from './result.ts'

export interface ProxyRequest {
  httpProxy?: string
  httpsProxy?: string
  /** Hosts, addresses and networks with commas between. */
  noProxy?: string
  /** A ConfigMap with certificates (`*.crt`, `*.pem`) that an init container, as root, adds to the image's own. */
  certConfigMap?: string
}

/**
 * `spec.proxy` of a NIMCache or NIMService. The webhook looks at that of a NIMCache alone; the rules hold for both.
 *
 * @throws NimctlError `usage` / `PROXY_INVALID` or `NAME_INVALID`.
 */
export function proxyFields(proxy: ProxyRequest | undefined): { proxy?: ProxyRequest } {
  if (proxy === undefined || Object.keys(proxy).length === 0) return {}
  const { httpProxy, httpsProxy, noProxy, certConfigMap } = proxy
  checkProxyUrl('--http-proxy', httpProxy)
  checkProxyUrl('--https-proxy', httpsProxy)
  for (const token of tokensOf(noProxy)) checkNoProxyToken(token)
  if (certConfigMap !== undefined) checkReferredName('ConfigMap', certConfigMap)
  return { proxy }
}

/** Issue 700: without `certConfigMap` the Job of a NIMCache failed before 3.1.1. */
export function proxySurroundings(proxy: ProxyRequest | undefined, version: OperatorVersion): EmitResult {
  const { httpProxy, httpsProxy, certConfigMap } = proxy ?? {}
  const proxied = httpProxy !== undefined || httpsProxy !== undefined
  return emitted({
    prerequisites:
      certConfigMap === undefined
        ? []
        : [
            `ConfigMap ${certConfigMap} with the proxy's CA: kubectl create configmap ${certConfigMap} --from-file=ca.crt`,
          ],
    warnings:
      proxied && certConfigMap === undefined && !isFrom(version, '3.1.1')
        ? [
            `Operator ${version} fails on a proxy without certificates (issue 700): name some with --proxy-ca-config-map.`,
          ]
        : [],
  })
}

function checkProxyUrl(flag: string, text: string | undefined): void {
  if (text === undefined) return
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined)
    throw invalid(`${flag} names no proxy.`, 'The operator wants http:// or https:// and a host.', 'http://proxy:3128')
  if (url.username !== '' || url.password !== '')
    throw invalid(
      `The proxy of ${flag} has a user or password, which would stand in the YAML.`,
      'Whoever reads the object reads it.',
      'http://proxy:3128, and a proxy that knows the cluster by its address',
    )
}

/** As the operator's webhook has them (reference/operator.md, section 7). */
const noProxyForms = [
  /^\.?[a-zA-Z0-9.-]+$/,
  /^\d{1,3}(\.\d{1,3}){3}(:\d+)?$/,
  /^\[[0-9a-fA-F:]+\](:\d+)?$/,
  /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/,
  /^\[[0-9a-fA-F:]+\]\/\d{1,3}$/,
]

function tokensOf(list = ''): string[] {
  return list
    .split(',')
    .map(token => token.trim())
    .filter(token => token !== '')
}

function checkNoProxyToken(token: string): void {
  if (noProxyForms.some(form => form.test(token))) return
  throw invalid(
    `"${token}" of --noproxy is no host, address or network.`,
    'The operator takes no *, no scheme, no port behind a name and no IPv6 without brackets.',
    '.svc,.cluster.local,10.0.0.0/8',
  )
}

function invalid(what: string, why: string, example: string): NimctlError {
  return new NimctlError('usage', 'PROXY_INVALID', { what, why, next: `Write it such as ${example}` })
}
