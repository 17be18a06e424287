import { checkUrlHasNoSecret } from './secret-in-url.ts'

/** The address of a store's server for a pod, and what is wrong with it there. */
export function endpointForPods(endpointUrl: URL): { address: string; warnings: string[] } {
  checkUrlHasNoSecret(endpointUrl)
  return { address: endpointUrl.href.replace(/\/$/, ''), warnings: warningsOf(endpointUrl) }
}

function warningsOf(url: URL): string[] {
  if (!isThisMachine(url)) return []
  return [`${url.href} is this machine to a pod: give the address that the cluster reaches with --store-endpoint-url.`]
}

export function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || hostname === '0.0.0.0' || hostname.startsWith('127.')
}
