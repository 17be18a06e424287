import type { Cluster } from '../../../kubernetes/cluster.ts'
import type { Reading } from '../../../kubernetes/objects.ts'
import type { Check } from '../../../system/check.ts'
import type { LocatedObject } from '../read-yaml.ts'
import type { Needs } from './needs.ts'

/** One object that is to be applied, and what it wants. */
export interface Subject {
  located: LocatedObject
  apiVersion: string
  kind: string
  name: string
  /** Where it will lie: its own namespace, else the cluster's current one. */
  namespace: string
  needs: Needs
  /** `FILE:LINE KIND/NAME .PATH`. */
  label: (path: string) => string
}

/** What every question to the cluster needs. */
export interface Look {
  cluster: Cluster
  subjects: readonly Subject[]
  signal: AbortSignal
}

export type Verdict = Omit<Check, 'method'>

/** Whether an object comes with the others, so that the cluster need not have it yet. */
export function comesAlong({ subjects }: Look, wanted: { kind: string; name: string; namespace: string }): boolean {
  return subjects.some(
    ({ kind, name, namespace }) => kind === wanted.kind && name === wanted.name && namespace === wanted.namespace,
  )
}

/** What could not be found out, and why. */
export function unprovable(about: Pick<Verdict, 'name' | 'path' | 'expected'>, why: string, next?: string): Verdict {
  return { ...about, status: 'not-provable', found: why, ...(next !== undefined && { next }) }
}

/** Of a question that this user may not ask. */
export function forbiddenVerdict(
  about: Pick<Verdict, 'name' | 'path' | 'expected'>,
  { error }: Extract<Reading<unknown>, { answer: 'forbidden' }>,
): Verdict {
  return unprovable(about, error.message, 'Let somebody look who may: docs/kubernetes.md names what is read.')
}
