import type { V1Pod } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import type { AnyObject, ObjectAddress } from '../kubernetes/objects.ts'
import { read, textAt } from '../system/json.ts'
import { sanitize } from '../system/secret.ts'
import { type Finding, idOf, type ObjectStatus } from './report.ts'

/** What somebody thinks of an object after a look at it and at what is below it. */
export type Verdict = Pick<ObjectStatus, 'state' | 'says' | 'findings'>

export type Judge = (walk: Walk, object: AnyObject) => Promise<Verdict>

type PodJudge = (walk: Walk, pod: V1Pod, options: PodOptions) => Promise<Verdict>

interface PodOptions {
  /** Whoever made the pod makes another one where it fails. */
  retried: boolean
}

/** The way down from an object to what it owns or names. Each object is looked at once. */
export interface Walk {
  readonly cluster: Cluster
  readonly signal: AbortSignal
  /**
   * @param needed what is wrong where it is not there; absent: then there is nothing to say of it.
   * @returns `undefined` where it is not there and need not be, or its kind is not served.
   */
  look(address: ObjectAddress, parent?: AnyObject | V1Pod, needed?: Finding): Promise<Seen | undefined>
  lookAtPod(pod: V1Pod, parent: AnyObject, options: PodOptions): Promise<ObjectStatus>
}

interface Seen {
  status: ObjectStatus
  /** Absent of a pod, and where it could not be read. */
  object?: AnyObject
}

export interface Judges {
  of: Readonly<Record<string, Judge>>
  ofPod: PodJudge
}

/** @param objects is filled on the way, each object before what is below it. */
export function openWalk(
  { cluster, signal, objects }: { cluster: Cluster; signal: AbortSignal; objects: ObjectStatus[] },
  judges: Judges,
): Walk {
  const seen = new Map<string, Seen>()
  const enter = (kind: string, name: string, parent: AnyObject | V1Pod | undefined): ObjectStatus => {
    const entry: ObjectStatus = {
      kind,
      name,
      ...(parent !== undefined && { parent: idOfObject(parent) }),
      state: 'unknown',
      says: '',
      findings: [],
    }
    objects.push(entry)
    return entry
  }
  const walk: Walk = {
    cluster,
    signal,
    async look(address, parent, needed) {
      const known = seen.get(idOf(address))
      if (known !== undefined) return known
      if (address.kind === 'Pod') {
        const pod = await cluster.readPod(address.name, signal)
        return pod === undefined ? undefined : { status: await lookAtPod(pod, parent, { retried: false }) }
      }
      const reading = await cluster.readObject(address, signal)
      if (reading.answer === 'not-served' || (reading.answer === 'absent' && needed === undefined)) return undefined
      const entry = enter(address.kind, address.name, parent)
      const result: Seen = { status: entry, ...(reading.answer === 'found' && { object: reading.value }) }
      seen.set(idOf(address), result)
      if (reading.answer === 'absent') {
        Object.assign(entry, { state: 'missing', says: 'not there', findings: [needed] })
      } else if (reading.answer === 'forbidden') {
        Object.assign(entry, { says: 'this user may not read it', findings: [forbidden(reading.error)] })
      } else {
        const judge = judges.of[address.kind]
        if (judge === undefined) throw new Error(`Nobody judges a ${address.kind}.`)
        Object.assign(entry, await judge(walk, reading.value))
      }
      return result
    },
    lookAtPod: (pod, parent, options) => lookAtPod(pod, parent, options),
  }
  const lookAtPod = async (pod: V1Pod, parent: AnyObject | V1Pod | undefined, options: PodOptions) => {
    const name = pod.metadata?.name ?? ''
    const known = seen.get(`Pod/${name}`)
    if (known !== undefined) return known.status
    const entry = enter('Pod', name, parent)
    seen.set(`Pod/${name}`, { status: entry })
    return Object.assign(entry, await judges.ofPod(walk, pod, options))
  }
  return walk
}

function idOfObject(object: AnyObject | V1Pod): string {
  // The library's own pods do not say what they are.
  return idOf({ kind: object.kind ?? 'Pod', name: object.metadata?.name ?? '' })
}

function forbidden(error: { message: string; why: string | undefined; next: string | undefined }): Finding {
  const { message: what, why, next } = error
  return { code: 'NOT_PERMITTED', severity: 'note', what, why, next }
}

export interface Condition {
  type: string
  status: string
  reason: string
  message: string
}

export function conditionsOf(object: AnyObject): Condition[] {
  const conditions = read(object, 'status', 'conditions')
  if (!Array.isArray(conditions)) return []
  return conditions.map(condition => ({
    type: textAt(condition, 'type') ?? '',
    status: textAt(condition, 'status') ?? '',
    reason: textAt(condition, 'reason') ?? '',
    message: sanitize(textAt(condition, 'message') ?? ''),
  }))
}

/** The kubelet's and the controllers' word for a condition that holds. */
export function holds(object: AnyObject, type: string): Condition | undefined {
  return conditionsOf(object).find(condition => condition.type === type && condition.status === 'True')
}
