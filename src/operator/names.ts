import { NimctlError } from '../system/errors.ts'

/**
 * The operator names a NIMService's Deployment, Service, ServiceAccount, Role and RoleBinding like the NIMService
 * itself, and a Service's name is a DNS-1035 label: no dots (reference/operator.md, section 4).
 */
const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

/** DNS-1123 subdomain, the rule for most other names. */
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/

const maxLabel = 63
const maxSubdomain = 253

/** The Job `<name>-job` becomes the label `job-name` of its pods, and a label's value ends at 63 characters. */
const maxNimCacheName = maxLabel - '-job'.length

/** Names that the operator uses once per namespace for all its caches (reference/operator.md, section 3). */
const takenByOperator = ['nim-cache-sa', 'nim-cache-role', 'nim-cache-rolebinding']

/** A name that the operator gives to an object of its own in each namespace. */
export function isTakenByOperator(name: string): boolean {
  return takenByOperator.includes(name)
}

/** DNS-1035 label, as a Service wants it. */
export function isDnsLabel(name: string): boolean {
  return name.length <= maxLabel && dnsLabel.test(name)
}

/** DNS-1123 subdomain, as most names are. */
export function isDnsSubdomain(name: string): boolean {
  return name.length <= maxSubdomain && dnsSubdomain.test(name)
}

/** DNS-1123 label, as namespaces and containers are named. */
export function isDnsLabel1123(name: string): boolean {
  return name.length <= maxLabel && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name)
}

/** Whether the Job's name fits into a label of its pods. */
export function fitsJobLabel(nimCacheName: string): boolean {
  return nimCacheName.length <= maxNimCacheName
}

/** What the operator creates, or expects, for a NIMCache. */
export interface NimCacheNames {
  persistentVolumeClaim: string
  job: string
  manifestPod: string
  /** Made beforehand, it replaces the manifest pod: key {@link manifestKey}. */
  manifestConfigMap: string
}

export const manifestKey = 'model_manifest.yaml'

export function namesOfNimCache(name: string): NimCacheNames {
  return {
    persistentVolumeClaim: `${name}-pvc`,
    job: `${name}-job`,
    manifestPod: `${name}-pod`,
    manifestConfigMap: `${name}-manifest`,
  }
}

/** @throws NimctlError `usage` / `NAME_INVALID` with a name that would be right. */
export function checkNimServiceName(name: string): void {
  if (isTakenByOperator(name))
    throw invalidName('NIMService', name, 'The operator gives this name to an object of its own.', `${name}-1`)
  checkServiceName('NIMService', name)
}

/**
 * For what a Service is named after, with or without the operator.
 *
 * @param reserved characters that are put behind the name.
 * @throws NimctlError `usage` / `NAME_INVALID` with a name that would be right.
 */
export function checkServiceName(kind: string, name: string, reserved = 0): void {
  const max = maxLabel - reserved
  if (name.length > max || !dnsLabel.test(name))
    throw invalidName(
      kind,
      name,
      `It becomes the name of a Service: lower-case letters, digits and -, a letter first, at most ${max} characters, no dots.`,
      suggestion(name, max),
    )
}

/** @throws NimctlError `usage` / `NAME_INVALID` with a name that would be right. */
export function checkNimCacheName(name: string): void {
  if (!fitsJobLabel(name) || !isDnsSubdomain(name))
    throw invalidName(
      'NIMCache',
      name,
      `Its Job is called ${name}-job: lower-case letters, digits, - and ., at most ${maxNimCacheName} characters.`,
      suggestion(name, maxNimCacheName),
    )
}

/**
 * A Job's name becomes the label `job-name` of its pods. The pods of an Indexed Job are called by its name and their
 * index, which together are a host's name: no dots.
 *
 * @param completions of an Indexed Job.
 * @throws NimctlError `usage` / `NAME_INVALID` with a name that would be right.
 */
export function checkJobName(name: string, completions?: number): void {
  const index = completions === undefined ? '' : `-${completions - 1}`
  const max = maxLabel - index.length
  if (name.length <= max && (completions === undefined ? isDnsSubdomain(name) : isDnsLabel1123(name))) return
  const dots = completions === undefined ? 'digits, - and .' : 'digits and -'
  throw invalidName(
    'Job',
    name,
    `Kubernetes wants lower-case letters, ${dots}, at most ${max} characters.`,
    suggestion(name, max),
  )
}

/** For names that are only referred to: a Secret, a claim. @param what such as `Secret`. */
export function checkReferredName(what: string, name: string): void {
  if (!isDnsSubdomain(name))
    throw invalidName(
      what,
      name,
      `Kubernetes wants lower-case letters, digits, - and ., at most ${maxSubdomain} characters.`,
      suggestion(name, maxSubdomain),
    )
}

/** @throws NimctlError `usage` / `NAME_INVALID`. */
export function checkNamespace(name: string): void {
  if (!isDnsLabel1123(name))
    throw invalidName(
      'namespace',
      name,
      `Kubernetes wants lower-case letters, digits and -, at most ${maxLabel} characters.`,
      suggestion(name, maxLabel),
    )
}

function invalidName(what: string, name: string, why: string, instead: string): NimctlError {
  return new NimctlError('usage', 'NAME_INVALID', {
    what: `"${name}" can't be the name of a ${what}.`,
    why,
    next: instead === '' ? undefined : `Use for example: ${instead}`,
  })
}

function suggestion(name: string, max: number): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, max)
    .replace(/-+$/, '')
}
