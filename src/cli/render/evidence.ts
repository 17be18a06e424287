import type { CheckReport } from '../../system/check.ts'
import { nimctlVersion } from '../settings.ts'
import { renderDocument } from './document.ts'

/**
 * What an auditor asks for: when, with what, at what, as whom, by which methods, against which inventory, and every
 * check. One JSON document.
 */
export async function* renderEvidence(report: CheckReport, now: Date): AsyncGenerator<string> {
  const { ok, target, summary, partial, counts, byMethod, checks } = report
  const tool = `nimctl ${nimctlVersion()}, Node.js ${process.versions.node}`
  const checkedAt = now.toISOString()
  const fields = { formatVersion: 1, kind: 'CheckEvidence', checkedAt, tool, target, ok, partial }
  yield* renderDocument({ ...fields, summary, counts, byMethod }, 'checks', checks)
}
