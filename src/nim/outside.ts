import { isIP } from 'node:net'

/** Domains of the internet that NIMs, and scripts beside them, ask; those below them count too. */
const publicDomains = [
  'nvcr.io',
  'nvidia.com',
  'huggingface.co',
  'hf.co',
  'hf-mirror.com',
  'modelscope.cn',
  'modelscope.ai',
  'github.com',
  'githubusercontent.com',
  'gitlab.com',
  'pypi.org',
  'pythonhosted.org',
  'npmjs.org',
  'anaconda.org',
  'anaconda.com',
  'debian.org',
  'ubuntu.com',
  'alpinelinux.org',
  'docker.io',
  'docker.com',
  'ghcr.io',
  'quay.io',
  'wandb.ai',
  'stats.vllm.ai',
]

/** Names that no public DNS answers for, or that a cluster's own answers for. */
const innerDomains = [
  'svc',
  'local',
  'internal',
  'lan',
  'corp',
  'intra',
  'intranet',
  'private',
  'home.arpa',
  'localdomain',
]

export type HostPlace = 'outside' | 'inside' | 'unknown'

/**
 * Whether a host is on the internet, as far as its name tells: what is neither well known nor evidently of a private
 * network stays unknown. @param host without port.
 */
export function placeOfHost(host: string): HostPlace {
  const name = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  if (isIP(name) !== 0) return isPrivateAddress(name) ? 'inside' : 'unknown'
  if (publicDomains.some(domain => isBelow(name, domain))) return 'outside'
  if (!name.includes('.') || innerDomains.some(domain => isBelow(name, domain))) return 'inside'
  return 'unknown'
}

function isBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}

/** RFC 1918, loopback, link-local, shared (RFC 6598), and unique local addresses of IPv6. */
function isPrivateAddress(address: string): boolean {
  return /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|::1$|f[cd]|fe80:)/i.test(
    address,
  )
}

/** The hosts of the URLs in a text. */
export function hostsIn(text: string): string[] {
  const found = [...text.matchAll(/\b(?:https?|git|ssh|ftp):\/\/[^\s"'<>|;&)]+/g)].flatMap(([url]) =>
    URL.canParse(url) ? [new URL(url).hostname] : [],
  )
  return [...new Set(found)]
}
