import { checkObject } from '../operator/check-object.ts'
import type { Finding, Severity } from '../operator/finding.ts'
import type { KubernetesObject } from '../operator/objects.ts'
import { operatorKindOf } from '../operator/schema/kinds.ts'
import type { OperatorVersion } from '../operator/versions.ts'
import type { Check, CheckLog, CheckReport, CheckStatus } from '../system/check.ts'
import { read, textAt } from '../system/json.ts'
import type { Report } from '../system/progress.ts'
import { sanitize } from '../system/secret.ts'
import type { ReadFiles } from './objects/files.ts'
import { remarksOnImages } from './objects/images.ts'
import { keysOfSecret, type Neighbours, remarksOnKeys } from './objects/keys.ts'
import { remarksOnModelSource } from './objects/model-source.ts'
import { remarksOnOutside } from './objects/outside.ts'
import { remarksOnPod } from './objects/pods.ts'
import type { LocatedObject } from './objects/read-yaml.ts'
import type { Remark } from './objects/remark.ts'
import { remarksOnPlainSecrets, remarksOnSecretObject } from './objects/secrets.ts'
import { lostIndentation } from './objects/shape.ts'
import { isFields, listAt, workloadsOf } from './objects/workload.ts'

export interface ValidateObjectsRequest {
  /** For people: where the objects come from. */
  target: string
  source: ReadFiles
  operatorVersion: OperatorVersion
  /** Internal ones, with their prefixes. Empty: each that is not known to be public. */
  registries: readonly string[]
  /** The cluster reaches the internet: nothing is said of what asks outside. */
  online: boolean
  checks: CheckLog
  report: Report
}

/** Judges Kubernetes objects by what stands in them. Nothing is asked, nothing is changed. */
export async function validateObjects(request: ValidateObjectsRequest): Promise<CheckReport> {
  const { source, target, checks, report } = request
  report({ event: 'started', task: 'validate' })
  for (const check of source.checks) await checks.add(check)
  for (const check of checkAll(source.objects, request)) await checks.add(check)
  report({ event: 'ended', task: 'validate' })
  return checks.report(target, summarize(source))
}

function checkAll(objects: readonly LocatedObject[], request: ValidateObjectsRequest): Check[] {
  const neighbours = { secretKeys: secretKeysOf(objects) }
  const repeated = repeatedIn(objects)
  return objects.flatMap(located => {
    const remarks = [...(repeated.get(located) ?? []), ...remarksOn(located, neighbours, request)]
    const checks = remarks.map(remark => checkOf(located, remark))
    return checks.some(({ status }) => status !== 'ok' && status !== 'not-provable')
      ? checks
      : [
          ...checks,
          { name: 'objects.object', status: 'ok', method: 'structure', path: nameOf(located) } satisfies Check,
        ]
  })
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

function remarksOn(
  { value, writtenAt }: LocatedObject,
  neighbours: Neighbours,
  request: ValidateObjectsRequest,
): Remark[] {
  const { operatorVersion, registries, online } = request
  if (!isObject(value)) return [noObject]
  const flat = lostIndentation(value)
  if (flat !== undefined) return [flat]
  const known = operatorKindOf(value) !== undefined || isPlainKind(value)
  const workloads = workloadsOf(value)
  return [
    ...withoutConsequences(checkObject(value, operatorVersion)).map(finding => remarkOf(finding, writtenAt)),
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
  const { file, lineOf } = located
  const { found, ...rest } = verdict
  const label = `${file}:${lineOf(path)} ${labelOf(located)}${path === '' ? '' : ` .${path}`}`
  return { ...rest, method: 'structure', path: label, ...(found !== undefined && { found: sanitize(found) }) }
}

function nameOf(located: LocatedObject): string {
  return `${located.file}:${located.lineOf('')} ${labelOf(located)}`
}

function labelOf({ value }: LocatedObject): string {
  const name = textAt(value, 'metadata', 'name') ?? textAt(value, 'metadata', 'generateName') ?? '(no name)'
  return `${textAt(value, 'kind') ?? '(no kind)'}/${name}`
}

function summarize({ objects, files, bytes }: ReadFiles) {
  const profiles = objects.flatMap(({ value }) => [
    ...listAt(value, 'spec', 'source', 'ngc', 'model', 'profiles'),
    read(value, 'spec', 'storage', 'nimCache', 'profile'),
  ])
  return {
    models: [],
    profiles: [...new Set(profiles.filter(id => typeof id === 'string' && id !== '' && id !== 'all').map(String))],
    files,
    bytes,
  }
}
