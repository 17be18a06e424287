import type { Finding } from '../finding.ts'
import type { OperatorKind } from '../schema/kinds.ts'
import { checkNimCacheWebhook } from './nimcache-webhook.ts'
import { checkNimServiceWebhook } from './nimservice-webhook.ts'
import type { Subject } from './rule.ts'

type Rules = (subject: Subject) => Finding[]

const rules: Record<OperatorKind, readonly Rules[]> = {
  NIMCache: [checkNimCacheWebhook],
  NIMService: [checkNimServiceWebhook],
  NIMPipeline: [],
  NIMBuild: [],
}

/** What the operator itself says of an object that its CRD takes. */
export function rulesOf(kind: OperatorKind, subject: Subject): Finding[] {
  return rules[kind].flatMap(check => check(subject))
}
