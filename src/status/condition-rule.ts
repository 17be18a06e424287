import type { Severity } from './report.ts'

type NimKind = 'NIMCache' | 'NIMService' | 'NIMPipeline' | 'NIMBuild'

/** A condition of the NIM Operator, and what it means. */
export interface ConditionRule {
  kind: NimKind
  type: string
  status: 'True' | 'False'
  /** Absent: any. */
  reason?: string
  /** Of its message; absent: any. */
  match?: RegExp
  code: string
  severity: Severity
  what: string
  next: string
}

/** What a state of the operator's means for whoever waits; `failed` may be a state out of which a Job's next try leads. */
export const operatorStates: Record<string, 'ready' | 'in-progress' | 'failed'> = {
  Ready: 'ready',
  NotReady: 'in-progress',
  'PVC-Created': 'in-progress',
  Started: 'in-progress',
  InProgress: 'in-progress',
  Pending: 'in-progress',
  Failed: 'failed',
}

export const operatorLog =
  'What the operator says: kubectl -n nim-operator logs -l app.kubernetes.io/name=k8s-nim-operator --tail 50'
