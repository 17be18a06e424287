import { buildRows } from './argv-nimbuild.ts'
import { nimCacheRows } from './argv-nimcache.ts'
import { pipelineRows } from './argv-nimpipeline.ts'
import { loraRows, type Row, serviceRows } from './argv-serving.ts'

export type { Row } from './argv-serving.ts'

/** Command lines in which each flag of a kind stands. */
export const rowsByKind: Record<string, Row[]> = {
  nimbuild: buildRows,
  nimcache: nimCacheRows,
  nimpipeline: pipelineRows,
  nimservice: [...serviceRows, ...loraRows],
}
