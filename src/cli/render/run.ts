import type { ModelResult, RunResult, StepResult } from '../../pipeline/run/result.ts'
import { formatBytes } from './format.ts'
import { renderTable } from './table.ts'

const columns = ['mirror', 'profiles', 'cache', 'upload', 'validate', 'emit'] as const

/** One line a model, then what failed, then a plan's commands. */
export function renderRun({ models, dryRun, totals }: RunResult): string {
  const head = ['MODEL', ...columns.map(step => step.toUpperCase())]
  const table = renderTable(head, models.map(row))
  const failures = models.flatMap(({ name, steps }) =>
    steps.filter(({ error }) => error !== undefined).map(step => renderFailure(name, step)),
  )
  const plan = dryRun
    ? [renderTotals(totals), ...models.flatMap(({ steps }) => steps.flatMap(({ commands }) => commands))]
    : []
  return [table, ...failures, ...plan].join('\n')
}

function row({ name, steps }: ModelResult): string[] {
  return [name, ...columns.map(column => cell(steps.find(({ step }) => step === column)))]
}

const words = {
  done: 'done',
  present: 'there already',
  off: '-',
  planned: 'due',
  failed: 'FAILED',
  'not-reached': 'not reached',
} as const

function cell(step: StepResult | undefined): string {
  if (step === undefined) return '-'
  return step.bytes === undefined ? words[step.status] : `${words[step.status]} ${formatBytes(step.bytes)}`
}

function renderFailure(name: string, { step, error }: StepResult): string {
  const { what = '', why, next } = error ?? {}
  return [`${name}, ${step}: ${what}`, ...[why, next].flatMap(text => (text === undefined ? [] : [`  ${text}`]))].join(
    '\n',
  )
}

function renderTotals({ cacheBytes, uploadBytes, diskBytes, seconds = 0 }: RunResult['totals']): string {
  const hours = seconds / 3600
  const time = hours >= 1 ? `${hours.toFixed(1)} h` : `${Math.ceil(seconds / 60)} min`
  return `To download: ${formatBytes(cacheBytes)}, to send: ${formatBytes(uploadBytes)}, on this disk: ${formatBytes(diskBytes)}, about ${time}.`
}
