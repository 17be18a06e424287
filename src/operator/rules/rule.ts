import type { Finding, Severity } from '../finding.ts'
import type { Plain } from '../plain.ts'
import type { OperatorVersion } from '../versions.ts'

/** What a rule looks at: the `spec` as the API server has stored it, with its defaults and without unknown fields. */
export interface Subject {
  name: string
  spec: Plain
  version: OperatorVersion
  /** Such as `v1.36.3`, where a cluster was asked. */
  kubernetesVersion?: string | undefined
}

/** Where the findings of a file of rules come from, and how bad they are. */
interface Origin {
  source: string
  severity: Severity
}

export type Report = (rule: string, path: string, message: string) => Finding

/** @returns a function that makes findings of one origin, with paths below `spec`. */
export function reporting({ source, severity }: Origin): Report {
  return (rule, path, message) => ({ rule, path: path === '' ? 'spec' : `spec.${path}`, severity, message, source })
}

export function when(broken: boolean, finding: () => Finding): Finding[] {
  return broken ? [finding()] : []
}
