import type { KubernetesObject } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'

/** Which object is meant; what is absent matches any. */
export interface ObjectChoice {
  apiVersion?: string | undefined
  /** In any case, as kubectl takes it. */
  kind?: string | undefined
  name?: string | undefined
}

/**
 * The place of the one object that is meant.
 *
 * @param asked what names it, for the refusal.
 * @throws NimctlError `usage` / `OBJECT_NOT_EMITTED`, `OBJECT_AMBIGUOUS`.
 */
export function chooseObject(objects: readonly KubernetesObject[], choice: ObjectChoice, asked: string): number {
  const [index, second] = objects.flatMap((object, place) => (fits(object, choice) ? [place] : []))
  const all = objects.map(nameOf).join(', ')
  if (index === undefined)
    throw new NimctlError('usage', 'OBJECT_NOT_EMITTED', {
      what: `${asked} names no object that is written.`,
      why: `There are: ${all}.`,
      next: 'Name one of them.',
    })
  if (second === undefined) return index
  throw new NimctlError('usage', 'OBJECT_AMBIGUOUS', {
    what: `${asked} could mean several objects.`,
    why: `There are: ${all}.`,
    next: 'Say which: --set KIND/NAME:PATH=VALUE',
  })
}

export function nameOf(object: KubernetesObject | undefined): string {
  return object === undefined ? '' : `${object.kind}/${object.metadata.name}`
}

function fits(object: KubernetesObject, { apiVersion, kind, name }: ObjectChoice): boolean {
  return (
    (apiVersion === undefined || object.apiVersion === apiVersion) &&
    (kind === undefined || object.kind.toLowerCase() === kind.toLowerCase()) &&
    (name === undefined || object.metadata.name === name)
  )
}
