import type { AnyObject } from '../kubernetes/objects.ts'
import { recogniseClusterSymptom } from '../nim/cluster-symptoms.ts'
import { listOperatorDeployments } from '../operator/find-version.ts'
import { namesOfNimCache } from '../operator/names.ts'
import { read, textAt } from '../system/json.ts'
import { type ConditionRule, operatorLog, operatorStates } from './condition-rule.ts'
import { conditionRules } from './conditions.ts'
import { findingOf } from './cures.ts'
import { type Finding, stateOf } from './report.ts'
import { claimNotFound } from './storage.ts'
import { kindOf } from './target.ts'
import { type Condition, conditionsOf, type Judge, type Verdict, type Walk } from './walk.ts'

export const judgeCache: Judge = async (walk, cache) => {
  const { name } = cache.metadata
  const names = namesOfNimCache(name)
  const claim =
    textAt(cache, 'status', 'pvc') ?? textAt(cache, 'spec', 'storage', 'pvc', 'name') ?? names.persistentVolumeClaim
  const made = read(cache, 'spec', 'storage', 'pvc', 'create') === true
  await walk.look({ ...kindOf('PersistentVolumeClaim'), name: claim }, cache, made ? undefined : claimNotFound)
  await walk.look({ ...kindOf('Pod'), name: names.manifestPod }, cache)
  const job = await walk.look({ ...kindOf('Job'), name: names.job }, cache)
  const verdict = await judgeByOperator(walk, cache)
  // While the Job tries again, the operator says Failed as well.
  const over = job === undefined || job.status.state === 'failed'
  const findings = verdict.findings.map(finding =>
    finding.code === 'CACHE_JOB_FAILED' && over ? { ...finding, severity: 'failed' as const } : finding,
  )
  return { ...verdict, findings, state: verdict.state === 'ready' ? 'ready' : stateOf(findings, verdict.state) }
}

export const judgeService: Judge = async (walk, service) => {
  const { name } = service.metadata
  const storage = read(service, 'spec', 'storage')
  const cacheName = textAt(storage, 'nimCache', 'name')
  const cache =
    cacheName === undefined
      ? undefined
      : await walk.look({ ...kindOf('NIMCache'), name: cacheName }, service, cacheNotFound)
  if (cacheName === undefined && read(storage, 'pvc') !== undefined) {
    const made = read(storage, 'pvc', 'create') === true
    const claim = textAt(storage, 'pvc', 'name') ?? namesOfNimCache(name).persistentVolumeClaim
    await walk.look({ ...kindOf('PersistentVolumeClaim'), name: claim }, service, made ? undefined : claimNotFound)
  }
  await walk.look(workloadOf(service), service)
  const verdict = await judgeByOperator(walk, service)
  if (verdict.state === 'ready') return verdict
  const findings = [...verdict.findings, ...profileNotInCache(service, cache?.object)]
  return { ...verdict, findings, state: stateOf(findings, verdict.state) }
}

/** reference/operator.md, section 4; of several nodes the LeaderWorkerSet is called `<name>-lws`. */
function workloadOf(service: AnyObject) {
  const { name } = service.metadata
  if (textAt(service, 'spec', 'inferencePlatform') === 'kserve') return { ...kindOf('InferenceService'), name }
  if (read(service, 'spec', 'multiNode') !== undefined) return { ...kindOf('LeaderWorkerSet'), name: `${name}-lws` }
  return { ...kindOf('Deployment'), name }
}

const cacheNotFound: Finding = {
  code: 'NIMCACHE_NOT_FOUND',
  severity: 'failed',
  what: 'There is no such NIMCache in this namespace.',
  next: 'Apply it, or correct the name in the object that wants it. What there is: kubectl get nimcache',
}

/** The operator does not look; the NIM then wants to download what is not there. A cache of all profiles lists none. */
function profileNotInCache(service: AnyObject, cache: AnyObject | undefined): Finding[] {
  const wanted = textAt(service, 'spec', 'storage', 'nimCache', 'profile')
  const profiles = read(cache, 'status', 'profiles')
  const cached = Array.isArray(profiles) ? profiles.flatMap(profile => textAt(profile, 'name') ?? []) : []
  if (wanted === undefined || cached.length === 0 || cached.includes(wanted)) return []
  return [
    {
      code: 'PROFILE_NOT_IN_CACHE',
      severity: 'stuck',
      what: `The NIMService wants the profile ${wanted}, which its NIMCache does not hold.`,
      why: `The NIMCache holds ${cached.join(', ')}.`,
      next: 'Correct spec.storage.nimCache.profile, or fill a NIMCache with that profile.',
    },
  ]
}

export const judgePipeline: Judge = async (walk, pipeline) => {
  const listed = read(pipeline, 'spec', 'services')
  const services = Array.isArray(listed) ? listed : []
  const enabled = services.filter(service => read(service, 'enabled') === true)
  const findings: Finding[] = []
  for (const service of services) {
    const name = textAt(service, 'name') ?? ''
    if (!enabled.includes(service)) findings.push(disabled(name))
    else findings.push(...(await lookAtService(walk, pipeline, name)))
  }
  if (enabled.length === 0) findings.push(nothingEnabled)
  const verdict = await judgeByOperator(walk, pipeline)
  const all = [...findings, ...verdict.findings]
  return { ...verdict, findings: all, state: stateOf(all, verdict.state) }
}

async function lookAtService(walk: Walk, pipeline: AnyObject, name: string): Promise<Finding[]> {
  const seen = await walk.look({ ...kindOf('NIMService'), name }, pipeline)
  if (seen === undefined) return [serviceNotMade(name)]
  const owners = seen.object?.metadata.ownerReferences ?? []
  const { uid } = pipeline.metadata
  return seen.object === undefined || owners.some(owner => owner.uid === uid) ? [] : [serviceOfAnother(name)]
}

function disabled(name: string): Finding {
  return {
    code: 'SERVICE_DISABLED',
    severity: 'note',
    what: `The service ${name} of the NIMPipeline is not enabled, so that nothing is made of it.`,
    next: 'Set enabled: true. It has no default.',
  }
}

const nothingEnabled: Finding = {
  code: 'PIPELINE_EMPTY',
  severity: 'failed',
  what: 'No service of the NIMPipeline is enabled.',
  next: 'Set enabled: true at each that shall run. It has no default.',
}

function serviceNotMade(name: string): Finding {
  return {
    code: 'SERVICE_NOT_MADE',
    severity: 'waiting',
    what: `The NIM Operator has not made the NIMService ${name} yet.`,
    next: `Wait. ${operatorLog}`,
  }
}

function serviceOfAnother(name: string): Finding {
  return {
    code: 'SERVICE_OF_ANOTHER',
    severity: 'failed',
    what: `There is a NIMService ${name} that does not belong to the NIMPipeline, and the NIM Operator leaves it alone.`,
    next: 'Call the service of the NIMPipeline something else, or delete that NIMService.',
  }
}

export const judgeBuild: Judge = async (walk, build) => {
  const { name } = build.metadata
  const cacheName = textAt(build, 'spec', 'nimCache', 'name') ?? ''
  const cache = await walk.look({ ...kindOf('NIMCache'), name: cacheName }, build, cacheNotFound)
  await walk.look({ ...kindOf('Pod'), name: `${name}-engine-build-pod` }, build)
  await walk.look({ ...kindOf('Pod'), name: `${name}-local-manifest-pod` }, build)
  // Where the cache was not ready, the operator's word is refused by its own CRD (reference/kubernetes.md): none is there.
  const silent = textAt(build, 'status', 'state') === undefined
  if (silent && cache !== undefined && cache.status.state !== 'ready')
    return { state: 'in-progress', says: 'no status yet', findings: [buildTooEarly] }
  return await judgeByOperator(walk, build)
}

const buildTooEarly: Finding = {
  code: 'BUILD_TOO_EARLY',
  severity: 'waiting',
  what: 'The NIMBuild was applied before its NIMCache is ready.',
  next: 'Wait for the NIMCache. Where the NIMBuild does not go on then, delete it and apply it again.',
}

/** By the state and the conditions that the operator has written; by its absence where it has written none. */
async function judgeByOperator(walk: Walk, object: AnyObject): Promise<Verdict> {
  const said = textAt(object, 'status', 'state')
  const leaving = object.metadata.deletionTimestamp === undefined ? [] : [beingDeleted]
  if (said === undefined) {
    const findings = [...leaving, ...(await explainSilence(walk))]
    return { state: stateOf(findings, 'in-progress'), says: 'no status yet', findings }
  }
  const state = operatorStates[said] ?? 'in-progress'
  if (state === 'ready') return { state, says: said, findings: leaving }
  const findings = [...conditionsOf(object).flatMap(condition => findingFor(object.kind, condition) ?? []), ...leaving]
  const explained = findings.some(({ severity }) => severity === 'failed' || severity === 'stuck')
  if (state === 'failed' && !explained) findings.push(failedWithoutWord(object.kind))
  return { state: stateOf(findings, state), says: said, findings }
}

/** What a condition of the operator means: by its message where that is a known symptom, else by the table. */
function findingFor(kind: string, condition: Condition): Finding | undefined {
  const rule = conditionRules.find(each => fits(each, kind, condition))
  if (rule === undefined) return undefined
  const { code, severity, what, next } = rule
  const symptom = code === 'RECONCILE_FAILED' ? recogniseClusterSymptom([condition.message]) : undefined
  if (symptom !== undefined) return findingOf(symptom, severity)
  return { code, severity, what, ...(condition.message !== '' && { why: condition.message }), next }
}

function fits(rule: ConditionRule, kind: string, { type, status, reason, message }: Condition): boolean {
  return (
    rule.kind === kind &&
    rule.type === type &&
    rule.status === status &&
    (rule.reason === undefined || rule.reason === reason) &&
    (rule.match === undefined || rule.match.test(message))
  )
}

function failedWithoutWord(kind: string): Finding {
  return {
    code: 'RECONCILE_FAILED',
    severity: 'failed',
    what: `The NIM Operator says that the ${kind} has failed, and not why.`,
    next: operatorLog,
  }
}

const beingDeleted: Finding = {
  code: 'BEING_DELETED',
  severity: 'note',
  what: 'The object is being deleted.',
  next: 'Before you apply one of the same name, wait until its Job is gone too: the NIM Operator takes the old Job for the new one.',
}

async function explainSilence({ cluster, signal }: Walk): Promise<Finding[]> {
  const deployments = await listOperatorDeployments(cluster, signal)
  const running = deployments.some(deployment => read(deployment, 'status', 'availableReplicas') !== undefined)
  if (running) return [{ ...silentOperator, what: 'The NIM Operator has not looked at the object yet.' }]
  if (deployments.length > 0) return [operatorDown]
  const all = await cluster.listObjects({ ...kindOf('Deployment'), allNamespaces: true }, signal)
  return [all.answer === 'forbidden' ? silentOperator : operatorMissing]
}

const silentOperator: Finding = {
  code: 'OPERATOR_SILENT',
  severity: 'waiting',
  what: 'The object has no status: no NIM Operator has looked at it, and this user may not see whether there is one.',
  next: `Wait a moment. ${operatorLog}`,
}

const operatorDown: Finding = {
  code: 'OPERATOR_NOT_RUNNING',
  severity: 'stuck',
  what: 'The NIM Operator is installed and does not run.',
  next: 'See why: kubectl get deployments,pods -A -l app.kubernetes.io/name=k8s-nim-operator',
}

const operatorMissing: Finding = {
  code: 'OPERATOR_MISSING',
  severity: 'stuck',
  what: 'The cluster has the CRDs of the NIM Operator, and no NIM Operator: nobody acts on the object.',
  next: 'Install it. A plain pod needs none: nimctl emit pod',
}
