import type { Finding, Severity } from '../finding.ts'

/** A finding about one of several objects. */
export interface ObjectFinding extends Finding {
  /** The object's place in the list that was given, from 0. */
  index: number
}

/** One object of several, with what the rules ask of it again and again. */
export interface Member {
  /** As an API server stores it. */
  object: unknown
  index: number
  kind: string
  name: string
  namespace: string
}

export function ofKind(members: readonly Member[], kind: string): Member[] {
  return members.filter(member => member.kind === kind)
}

export function find(
  members: readonly Member[],
  kind: string,
  { name, namespace }: { name: string; namespace: string },
) {
  return members.find(member => member.kind === kind && member.name === name && member.namespace === namespace)
}

interface Text {
  rule: string
  path: string
  message: string
}

/** @returns a function that makes findings about a member. */
export function reportingOn(source: string) {
  return ({ index }: Member, severity: Severity, { rule, path, message }: Text): ObjectFinding => ({
    index,
    rule,
    path,
    severity,
    message,
    source,
  })
}
