import type { Finding } from '../finding.ts'
import type { OperatorKind } from '../schema/kinds.ts'
import { checkNimBuild } from './nimbuild.ts'
import { checkNimCache } from './nimcache.ts'
import { checkNimPipeline } from './nimpipeline.ts'
import { checkNimService } from './nimservice.ts'
import type { Subject } from './rule.ts'

const rules: Record<OperatorKind, (subject: Subject) => Finding[]> = {
  NIMCache: checkNimCache,
  NIMService: checkNimService,
  NIMPipeline: checkNimPipeline,
  NIMBuild: checkNimBuild,
}

/** What the operator itself, and Kubernetes after it, say of an object that its CRD takes. */
export function rulesOf(kind: OperatorKind, subject: Subject): Finding[] {
  return rules[kind](subject)
}
