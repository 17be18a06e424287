import { operatorApi } from '../objects.ts'
import { textAt } from '../plain.ts'
import { type Field, object, string } from './field.ts'
import { nimBuildSpec } from './nimbuild.ts'
import { nimCacheSpec } from './nimcache.ts'
import { nimPipelineSpec } from './nimpipeline.ts'
import { nimServiceSpec } from './nimservice.ts'

export const operatorKinds = ['NIMCache', 'NIMService', 'NIMPipeline', 'NIMBuild'] as const

export type OperatorKind = (typeof operatorKinds)[number]

/** `metadata` has rules of its own, and `status` is the operator's: both are let through here. */
const anything: Field = { type: 'object', open: true }

/** Whole objects. No CRD requires `spec`: without it there is nothing that could be wrong. */
export const schemas: Record<OperatorKind, Field> = {
  NIMCache: whole(nimCacheSpec),
  NIMService: whole(nimServiceSpec),
  NIMPipeline: whole(nimPipelineSpec),
  NIMBuild: whole(nimBuildSpec),
}

/** The kind of an object whose CRD is held here; `undefined` for others. */
export function operatorKindOf(object: unknown): OperatorKind | undefined {
  if (textAt(object, 'apiVersion') !== operatorApi) return undefined
  const kind = textAt(object, 'kind')
  return operatorKinds.find(known => known === kind)
}

function whole(spec: Field): Field {
  return object({ apiVersion: string, kind: string, metadata: anything, spec, status: anything })
}
