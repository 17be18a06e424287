import { worstFirst, type Check, type CheckReport, type CheckStatus, type LongCheckReport } from '../../system/check.ts'
import { count, formatBytes } from './format.ts'

const marks: Record<CheckStatus, string> = { failed: '✗', warning: '!', 'not-provable': '?', ok: '✓' }

/** Of each status. Nobody reads more; `--json` has them all. */
const mostShown = 1000

/** Failures first, then what to think about, then a summary; what is well is only counted. */
export async function renderReport({ ok, target, summary, checks }: CheckReport | LongCheckReport): Promise<string> {
  const shown: Record<CheckStatus, string[]> = { failed: [], warning: [], 'not-provable': [], ok: [] }
  const counts: Record<CheckStatus, number> = { failed: 0, warning: 0, 'not-provable': 0, ok: 0 }
  const methods = new Set<string>()
  for await (const check of checks) {
    const { status } = check
    counts[status] += 1
    if (status === 'ok') methods.add(check.method)
    else if (counts[status] <= mostShown) shown[status].push(renderCheck(check))
  }
  const by = methods.size === 0 ? '' : ` (${[...methods].join(', ')})`
  return [
    ...worstFirst.flatMap(status => [...shown[status], ...renderRest(status, counts[status] - mostShown)]),
    `${marks.ok} ${count(counts.ok, 'check')} passed${by}.`,
    `${target} ${ok ? 'is complete' : 'is NOT complete'}: ${count(summary.files, 'file')}, ${formatBytes(summary.bytes)}, ` +
      `${count(summary.models.length, 'model')}, ${count(summary.profiles.length, 'profile')}.`,
  ].join('\n')
}

function renderRest(status: CheckStatus, rest: number): string[] {
  return status === 'ok' || rest <= 0 ? [] : [`${marks[status]} ${rest} more ${status}: --json has them all.`]
}

function renderCheck({ name, status, path, expected, found, next }: Check): string {
  const difference = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  const head = [`${marks[status]} ${name}`, path, difference].filter(Boolean).join(': ')
  return next === undefined ? head : `${head}\n    ${next}`
}
