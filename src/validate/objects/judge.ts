import { checkObject } from '../../operator/check-object.ts'
import { checkObjects } from '../../operator/check-objects.ts'
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
  const together = remarksTogether(objects, rules)
  return objects.map(located => ({
    located,
    remarks: [...remarksOn(located, neighbours, rules), ...(together.get(located) ?? [])],
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

/** What several objects say only together. */
function remarksTogether(
  objects: readonly LocatedObject[],
  { operatorVersion, online }: JudgeRules,
): Map<LocatedObject, Remark[]> {
  const whole = objects.flatMap(located => {
    const { value } = located
    return isObject(value) && lostIndentation(value) === undefined ? [{ located, value }] : []
  })
  const findings = checkObjects(
    whole.map(({ value }) => value),
    operatorVersion,
  )
  return new Map(
    whole.map(({ located }, index) => [
      located,
      remarksOf(
        findings.filter(finding => finding.index === index),
        { located, online },
      ),
    ]),
  )
}

function remarksOn(located: LocatedObject, neighbours: Neighbours, rules: JudgeRules): Remark[] {
  const { value } = located
  const { operatorVersion, kubernetesVersion, registries, online } = rules
  if (!isObject(value)) return [noObject]
  const flat = lostIndentation(value)
  if (flat !== undefined) return [flat]
  const known = operatorKindOf(value) !== undefined || isPlainKind(value)
  const workloads = workloadsOf(value)
  return [
    ...remarksOf(checkObject(value, operatorVersion, { kubernetesVersion }), { located, online }),
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

/** Rules of the operator that checks of this folder say with more. Online, the first says nothing that matters. */
const saidHere = ['auth-secret-calls-home', 'image-not-pinned', 'image-reference']

/** Likewise where there is an air gap, or what it wants: without a Secret the NIM has no key, and asks nobody. */
const otherwiseOffline = ['profile-not-pinned', 'auth-secret-left-out', 'empty-dir-in-production']

/** True of every such object, and wrong on some hardware alone, of which the object says nothing. */
const remindersOnly = ['multi-gpu-on-vgpu']

function remarksOf(
  findings: readonly Finding[],
  { located, online }: { located: LocatedObject; online: boolean },
): Remark[] {
  return withoutConsequences(findings)
    .filter(({ rule }) => !saidHere.includes(rule) && (online || !otherwiseOffline.includes(rule)))
    .map(finding => remarkOf(finding, located.writtenAt))
}

/** A value of another type is missing to the rules after it; and whatever is made of a repeated object is made twice. */
function withoutConsequences(findings: readonly Finding[]): Finding[] {
  const mistyped = new Set(findings.flatMap(({ rule, path }) => (rule === 'wrong-type' ? [path] : [])))
  const repeated = findings.some(({ rule }) => rule === 'object-repeated')
  return findings
    .filter(({ rule, path }) => rule === 'wrong-type' || !mistyped.has(path))
    .filter(({ rule }) => !(repeated && rule === 'name-taken'))
}

function remarkOf({ rule, path, severity, message, source }: Finding, writtenAt: LocatedObject['writtenAt']): Remark {
  // A password of digits alone is a number to YAML.
  if (variableValue.test(path))
    return { ...bySeverity[severity], path, expected: 'text', found: `${rule}: not in quotes` }
  const written = rule === 'wrong-type' ? writtenAt(path) : undefined
  return {
    ...bySeverity[severity],
    ...(remindersOnly.includes(rule) && { status: 'ok' }),
    path,
    expected: `what ${source} says`,
    found: `${rule}: ${message}`,
    // YAML has lost what the author wrote: 1.10 is 1.1, and the message can't know.
    ...(written !== undefined && /in quotes/.test(message) && { next: `Write it in quotes: "${written}"` }),
  }
}

const variableValue = /\.env\[\d+\]\.value$/

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
