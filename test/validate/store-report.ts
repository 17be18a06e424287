import { openCheckLog, type Check, type CheckReport } from '../../src/system/check.ts'
import { validateStore, type ValidateStoreRequest } from '../../src/validate/store.ts'

/** The report with all its checks in memory. */
export async function reportStore(
  request: Omit<ValidateStoreRequest, 'checks'>,
): Promise<Omit<CheckReport, 'checks'> & { checks: Check[] }> {
  const log = openCheckLog()
  try {
    const report = await validateStore({ ...request, checks: log })
    return { ...report, checks: await Array.fromAsync(report.checks) }
  } finally {
    await log.close()
  }
}
