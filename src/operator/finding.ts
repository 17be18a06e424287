/** Something about an object that its author should know. */
export interface Finding {
  /** A stable name in kebab-case, for scripts and for docs. */
  rule: string
  /** Such as `spec.storage.pvc.size` or `spec.env[0].name`; empty for the object as a whole. */
  path: string
  severity: Severity
  /** One sentence: what is wrong, and what is right. Of a webhook's rule, the operator's own words. */
  message: string
  /** Where the rule stands: a file of k8s-nim-operator, a document, or what was seen on a cluster. */
  source: string
}

/**
 * `refused` by the CRD's schema, its CEL rules or the webhook; `dropped` silently by this version of the CRD; `fails`
 * later, in the controller or at run time; `warning`: probably not what was meant; `advice`: works, could be better.
 */
export type Severity = 'refused' | 'dropped' | 'fails' | 'warning' | 'advice'

/** Whether an object with this finding does not do what it says. */
export function isFault({ severity }: Finding): boolean {
  return severity === 'refused' || severity === 'dropped' || severity === 'fails'
}

/** A map's key as a step of a path: quoted where it is no plain word. */
export function keyed(path: string, key: string): string {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === '' ? key : `${path}.${key}`
}
