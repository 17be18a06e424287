import { checkObject } from '../../operator/check-object.ts'
import type { Finding, Severity } from '../../operator/finding.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { operatorKindOf } from '../../operator/schema/kinds.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import type { Check, CheckStatus } from '../../system/check.ts'
import { textAt } from '../../system/json.ts'
import { sanitize } from '../../system/secret.ts'
import { remarksOnImages } from './images.ts'
import { keysOfSecret, type Neighbours, remarksOnKeys } from './keys.ts'
import { remarksOnModelSource } from './model-source.ts'
import { remarksOnOutside } from './outside.ts'
import { remarksOnPod } from './pods.ts'
import type { LocatedObject } from './read-yaml.ts'
import type { Remark } from './remark.ts'
import { remarksOnPlainSecrets, remarksOnSecretObject } from './secrets.ts'
import { lostIndentation } from './shape.ts'
import { isFields, workloadsOf } from './workload.ts'

export interface Judgement {
  located: LocatedObject
  remarks: Remark[]
}

export interface JudgeRules {
  operatorVersion: OperatorVersion
  /** Of the API server, where one was asked. */
  kubernetesVersion?: string
  /** Internal ones, with their prefixes. Empty: each that is not known to be public. */
  registries: readonly string[]
  /** The cluster reaches the internet: nothing is said of what asks outside. */
  online: boolean
}

/** What stands in objects, each by itself and all together. */
export function judgeObjects(objects: readonly LocatedObject[], rules: JudgeRules): Judgement[] {
  const neighbours = { secretKeys: secretKeysOf(objects) }
  const repeated = repeatedIn(objects)
  return objects.map(located => ({
    located,
    remarks: [...(repeated.get(located) ?? []), ...remarksOn(located, neighbours, rules)],
  }))
}

/** One for each remark; one that says so where there is nothing to be said. */
export function checksOf({ located, remarks }: Judgement): Check[] {
  const checks = remarks.map(remark => checkOf(located, remark))
  if (checks.some(({ status }) => status === 'failed' || status === 'warning')) return checks
  return [...checks, { name: 'objects.object', status: 'ok', method: 'structure', path: placeIn(located, '') }]
}

function secretKeysOf(objects: readonly LocatedObject[]): Neighbours['secretKeys'] {
  const secrets = objects.filter(({ value }) => textAt(value, 'kind') === 'Secret')
  return new Map(secrets.map(({ value }) => [textAt(value, 'metadata', 'name') ?? '', keysOfSecret(value)]))
}

/** Of two objects with one name, the second replaces the first. */
function repeatedIn(objects: readonly LocatedObject[]): Map<LocatedObject, Remark[]> {
  const first = new Map<string, LocatedObject>()
  const remarks = new Map<LocatedObject, Remark[]>()
  for (const located of objects) {
    const { value } = located
    const name = textAt(value, 'metadata', 'name')
    if (name === undefined) continue
    const group = (textAt(value, 'apiVersion') ?? '').replace(/\/?[^/]*$/, '')
    const key = JSON.stringify([group, textAt(value, 'kind'), textAt(value, 'metadata', 'namespace'), name])
    const before = first.get(key)
    if (before === undefined) first.set(key, located)
    else
      remarks.set(located, [
        {
          name: 'objects.repeated',
          status: 'failed',
          path: 'metadata.name',
          expected: 'a name of its own',
          found: `${before.file}:${before.lineOf('metadata.name')} has the same`,
          next: 'Applied together, the later one replaces the earlier one: rename one, or take it away.',
        },
      ])
  }
  return remarks
}

function remarksOn({ value, writtenAt }: LocatedObject, neighbours: Neighbours, rules: JudgeRules): Remark[] {
  const { operatorVersion, kubernetesVersion, registries, online } = rules
  if (!isObject(value)) return [noObject]
  const flat = lostIndentation(value)
  if (flat !== undefined) return [flat]
  const known = operatorKindOf(value) !== undefined || isPlainKind(value)
  const workloads = workloadsOf(value)
  return [
    ...withoutConsequences(checkObject(value, operatorVersion, { kubernetesVersion }))
      .filter(({ rule }) => online || !wantedOffline.includes(rule))
      .map(finding => remarkOf(finding, writtenAt)),
    ...(known ? [] : [unknownKind(value)]),
    ...remarksOnSecretObject(value),
    ...workloads.flatMap(workload => [
      ...remarksOnImages(workload, online ? undefined : registries),
      ...remarksOnPlainSecrets(workload),
      ...remarksOnPod(workload),
      ...(online
        ? []
        : [
            ...remarksOnKeys(workload, operatorVersion, neighbours),
            ...remarksOnModelSource(workload),
            ...remarksOnOutside(workload),
          ]),
    ]),
  ]
}

/** What is missing of it is a finding of its own. */
function isObject(value: unknown): value is KubernetesObject {
  return isFields(value)
}

const noObject: Remark = {
  name: 'objects.syntax',
  status: 'failed',
  path: '',
  expected: 'an object with apiVersion, kind and metadata',
  found: 'something else',
}

/** Kinds of Kubernetes itself and of KServe of which the fields that matter here are known. */
const plainKinds = new Set([
  'Pod',
  'Deployment',
  'StatefulSet',
  'DaemonSet',
  'ReplicaSet',
  'Job',
  'CronJob',
  'Service',
  'Secret',
  'ConfigMap',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'StorageClass',
  'Namespace',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'InferenceService',
  'ServingRuntime',
  'ClusterServingRuntime',
  'ClusterStorageContainer',
  'ResourceClaim',
  'ResourceClaimTemplate',
  'DeviceClass',
  'HorizontalPodAutoscaler',
  'Ingress',
  'NetworkPolicy',
])

function isPlainKind(value: KubernetesObject): boolean {
  return plainKinds.has(textAt(value, 'kind') ?? '')
}

function unknownKind(value: KubernetesObject): Remark {
  const kind = textAt(value, 'kind') ?? 'no kind'
  return {
    name: 'objects.kind',
    status: 'not-provable',
    path: 'kind',
    expected: 'a kind of the NIM Operator, of Kubernetes or of KServe',
    found: `${kind} of ${textAt(value, 'apiVersion') ?? 'no apiVersion'}, of which nimctl knows nothing`,
    next: 'Let the API server judge it: --context NAME.',
  }
}

const bySeverity: Record<Severity, { name: string; status: CheckStatus }> = {
  refused: { name: 'objects.refused', status: 'failed' },
  dropped: { name: 'objects.dropped', status: 'failed' },
  fails: { name: 'objects.fails', status: 'failed' },
  warning: { name: 'objects.doubtful', status: 'warning' },
  advice: { name: 'objects.advice', status: 'warning' },
}

/** What the operator warns of, and an air gap wants: without a Secret the NIM has no key, and asks nobody. */
const wantedOffline = ['auth-secret-left-out']

/** A value of another type is nothing to the rules after it: they would call it missing. */
function withoutConsequences(findings: readonly Finding[]): Finding[] {
  const mistyped = new Set(findings.flatMap(({ rule, path }) => (rule === 'wrong-type' ? [path] : [])))
  return findings.filter(({ rule, path }) => rule === 'wrong-type' || !mistyped.has(path))
}

function remarkOf({ rule, path, severity, message, source }: Finding, writtenAt: LocatedObject['writtenAt']): Remark {
  const written = rule === 'wrong-type' ? writtenAt(path) : undefined
  return {
    ...bySeverity[severity],
    path,
    expected: `what ${source} says`,
    found: `${rule}: ${message}`,
    // YAML has lost what the author wrote: 1.10 is 1.1, and the message can't know.
    ...(written !== undefined && /in quotes/.test(message) && { next: `Write it in quotes: "${written}"` }),
  }
}

function checkOf(located: LocatedObject, { path, ...verdict }: Remark): Check {
  const { found, ...rest } = verdict
  return {
    ...rest,
    method: 'structure',
    path: placeIn(located, path),
    ...(found !== undefined && { found: sanitize(found) }),
  }
}

/** `FILE:LINE KIND/NAME .PATH`. */
export function placeIn(located: LocatedObject, path: string): string {
  const { file, lineOf } = located
  return `${file}:${lineOf(path)} ${labelOf(located)}${path === '' ? '' : ` .${path}`}`
}

function labelOf({ value }: LocatedObject): string {
  const name = textAt(value, 'metadata', 'name') ?? textAt(value, 'metadata', 'generateName') ?? '(no name)'
  return `${textAt(value, 'kind') ?? '(no kind)'}/${name}`
}
