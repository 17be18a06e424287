import type { Check, CheckReport, CheckStatus } from '../../system/check.ts'
import { count, formatBytes } from './format.ts'

const marks: Record<CheckStatus, string> = { failed: '✗', warning: '!', 'not-provable': '?', ok: '✓' }

const worstFirst: readonly CheckStatus[] = ['failed', 'warning', 'not-provable']

/** Failures first, then what to think about, then a summary; what is well is only counted. */
export function renderReport({ ok, target, summary, checks }: CheckReport): string {
  const shown = worstFirst.flatMap(status => checks.filter(check => check.status === status).map(renderCheck))
  const passed = checks.filter(({ status }) => status === 'ok')
  const methods = [...new Set(passed.map(({ method }) => method))].join(', ')
  return [
    ...shown,
    `${marks.ok} ${count(passed.length, 'check')} passed${methods === '' ? '' : ` (${methods})`}.`,
    `${target} ${ok ? 'is complete' : 'is NOT complete'}: ${count(summary.files, 'file')}, ${formatBytes(summary.bytes)}, ` +
      `${count(summary.models.length, 'model')}, ${count(summary.profiles.length, 'profile')}.`,
  ].join('\n')
}

function renderCheck({ name, status, path, expected, found, next }: Check): string {
  const difference = [expected && `expected ${expected}`, found && `found ${found}`].filter(Boolean).join(', ')
  const head = [`${marks[status]} ${name}`, path, difference].filter(Boolean).join(': ')
  return next === undefined ? head : `${head}\n    ${next}`
}
