import type { CheckReport } from '../../src/system/check.ts'
import { validateStore, type ValidateStoreRequest } from '../../src/validate/store.ts'

/** The report with all its checks in memory. */
export async function reportStore(request: ValidateStoreRequest): Promise<CheckReport> {
  const report = await validateStore(request)
  try {
    const { ok, target, summary } = report
    return { ok, target, summary, checks: await Array.fromAsync(report.checks) }
  } finally {
    await report.close()
  }
}
