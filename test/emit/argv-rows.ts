import { loraRows } from './argv-lora.ts'
import { networkRows } from './argv-network.ts'
import { buildRows } from './argv-nimbuild.ts'
import { nimCacheRows } from './argv-nimcache.ts'
import { pipelineRows } from './argv-nimpipeline.ts'
import type { Row } from './argv-row.ts'
import { serviceRows } from './argv-serving.ts'

export type { Row } from './argv-row.ts'

/** Command lines in which each flag of a kind stands. */
export const rowsByKind: Record<string, Row[]> = {
  nimbuild: buildRows,
  nimcache: nimCacheRows,
  nimpipeline: pipelineRows,
  nimservice: [...serviceRows, ...networkRows, ...loraRows],
}
