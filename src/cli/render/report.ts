import { worstFirst, type Check, type CheckReport, type CheckStatus } from '../../system/check.ts'
import { count, formatBytes } from './format.ts'

const marks: Record<CheckStatus, string> = { failed: '✗', warning: '!', 'not-provable': '?', ok: '✓' }

/** Of each status. Nobody reads more; `--json` has them all. */
const mostShown = 1000

/**
 * Failures first, then what to think about, then a summary; what is well is only counted.
 *
 * @param passed show what is well, too: of an image or a server, which has a dozen checks and needs not be complete.
 */
export async function renderReport(
  report: CheckReport,
  { passed = false }: { passed?: boolean } = {},
): Promise<string> {
  const { counts, byMethod } = report
  const shown: Record<CheckStatus, string[]> = { failed: [], warning: [], 'not-provable': [], ok: [] }
  for await (const check of report.checks) {
    const { status } = check
    if ((status !== 'ok' || passed) && shown[status].length < mostShown) shown[status].push(renderCheck(check))
  }
  const methods = Object.entries(byMethod).flatMap(([method, { ok }]) => (ok === 0 ? [] : [method]))
  const by = methods.length === 0 ? '' : ` (${methods.join(', ')})`
  return [
    ...worstFirst.flatMap(status => [...shown[status], ...renderRest(status, counts[status] - mostShown)]),
    `${marks.ok} ${count(counts.ok, 'check')} passed${by}.`,
    `${renderVerdict(report, passed)}: ${renderSummary(report, passed)}.`,
  ].join('\n')
}

function renderVerdict({ ok, target, partial }: CheckReport, passed: boolean): string {
  if (partial) return `${target} ${ok ? 'passes' : 'does NOT pass'} the checks that were chosen`
  if (passed) return `${target} ${ok ? 'passes' : 'does NOT pass'}`
  return `${target} ${ok ? 'is complete' : 'is NOT complete'}`
}

function renderSummary({ summary: { files, bytes, models, profiles, read } }: CheckReport, passed: boolean): string {
  return [
    // A server has none.
    ...(passed && files === 0 ? [] : [count(files, 'file'), formatBytes(bytes)]),
    count(models.length, 'model'),
    count(profiles.length, 'profile'),
    ...(read === undefined ? [] : [`${count(read.files, 'object')} read back (${formatBytes(read.bytes)})`]),
  ].join(', ')
}

function renderRest(status: CheckStatus, rest: number): string[] {
  return status === 'ok' || rest <= 0 ? [] : [`${marks[status]} ${rest} more ${status}: --json has them all.`]
}

function renderCheck({ name, status, path, expected, found, next }: Check): string {
  const difference = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  const head = [`${marks[status]} ${name}`, path, status === 'ok' ? found : difference].filter(Boolean).join(': ')
  return next === undefined ? head : `${head}\n    ${next}`
}
