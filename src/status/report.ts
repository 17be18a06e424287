/**
 * How an object does. `in-progress`: well on its way. `stuck`: it does not get on, and may do so by itself, as where a
 * node comes. `failed`: it will not without somebody's help. `missing`: something names it, and it is not there.
 */
export type ObjectState = 'ready' | 'in-progress' | 'stuck' | 'failed' | 'missing' | 'unknown'

/** How much a finding keeps its object from being ready; a `note` does not, and `progress` says how far it has come. */
export type Severity = 'failed' | 'stuck' | 'waiting' | 'note' | 'progress'

/** Something that an object, its events or its log say, with cause and cure. */
export interface Finding {
  /** Stable name for scripts: docs/kubernetes.md has them all. */
  code: string
  severity: Severity
  what: string
  /** The cluster's own words. */
  why?: string | undefined
  next?: string | undefined
  /** The end of the log that shows it. */
  log?: string[]
}

export interface ObjectStatus {
  kind: string
  name: string
  /** Of whatever owns it or names it: `NIMCache/llama`. Absent at the object that was asked for. */
  parent?: string
  state: ObjectState
  /** What it says itself: `InProgress`, `1/2 available`. */
  says: string
  findings: Finding[]
}

/** The object that was asked for, and all below it, as one answer. */
export interface StatusReport {
  /** Ready, or well on its way. */
  ok: boolean
  /** `NIMService/llama`. */
  target: string
  namespace: string
  state: 'ready' | 'in-progress' | 'stuck' | 'failed'
  /** Each before what is below it. */
  objects: ObjectStatus[]
  /** Of the lowest object that keeps the rest from being ready. */
  cause?: Finding & { object: string }
}

export function idOf({ kind, name }: { kind: string; name: string }): string {
  return `${kind}/${name}`
}

/** The worst of what was found says how the object does; nothing found says nothing against it. */
export function stateOf(findings: readonly Finding[], otherwise: ObjectState): ObjectState {
  const has = (severity: Severity) => findings.some(finding => finding.severity === severity)
  if (has('failed')) return 'failed'
  if (has('stuck')) return 'stuck'
  return has('waiting') && otherwise === 'ready' ? 'in-progress' : otherwise
}

/** What depends on nothing that is looked at comes first: where several fail, it is the cause of the others. */
const fromBelow = [
  'PersistentVolume',
  'PersistentVolumeClaim',
  'Pod',
  'Job',
  'ReplicaSet',
  'Deployment',
  'StatefulSet',
  'LeaderWorkerSet',
  'InferenceService',
  'NIMCache',
  'NIMBuild',
  'NIMService',
  'NIMPipeline',
]

/**
 * Joins the objects into one answer. What is below a ready object is history: a NIMCache stays ready when its Job has been
 * removed, a Deployment when an old pod was evicted.
 *
 * @param objects the one that was asked for first.
 */
export function joinReport(objects: ObjectStatus[], namespace: string): StatusReport {
  const [root] = objects
  if (root === undefined) throw new Error('There is no object to report on.')
  const counted = countedOf(objects)
  const state = overall(root, counted)
  const cause = state === 'ready' ? undefined : findCause(counted)
  return {
    ok: state === 'ready' || state === 'in-progress',
    target: idOf(root),
    namespace,
    state,
    objects,
    ...(cause !== undefined && { cause }),
  }
}

/** Without what stands below ready ones alone. */
function countedOf([root, ...others]: readonly ObjectStatus[]): ObjectStatus[] {
  const counted: ObjectStatus[] = root === undefined ? [] : [root]
  const open = new Set(counted.filter(({ state }) => state !== 'ready').map(idOf))
  for (const object of others) {
    if (object.parent === undefined || !open.has(object.parent)) continue
    counted.push(object)
    if (object.state !== 'ready') open.add(idOf(object))
  }
  return counted
}

function overall(root: ObjectStatus, counted: readonly ObjectStatus[]): StatusReport['state'] {
  if (root.state === 'ready') return 'ready'
  const has = (...states: ObjectState[]) => counted.some(({ state }) => states.includes(state))
  if (has('failed', 'missing')) return 'failed'
  return has('stuck') ? 'stuck' : 'in-progress'
}

/** The lowest of what does not get on; where all does, the lowest of what is waited for. */
function findCause(counted: readonly ObjectStatus[]): StatusReport['cause'] {
  const all = counted.flatMap(object => object.findings.map(finding => ({ object, finding })))
  for (const severities of [['failed', 'stuck'], ['waiting']]) {
    const [lowest] = all
      .filter(({ finding }) => severities.includes(finding.severity))
      .toSorted(
        (a, b) =>
          fromBelow.indexOf(a.object.kind) - fromBelow.indexOf(b.object.kind) ||
          severities.indexOf(a.finding.severity) - severities.indexOf(b.finding.severity),
      )
    if (lowest !== undefined) return { object: idOf(lowest.object), ...lowest.finding }
  }
  return undefined
}
