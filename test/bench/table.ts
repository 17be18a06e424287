import type { Run, Results } from './race.ts'
import type { ToolName } from './tools.ts'

export interface Row {
  what: string
  /** By tool; `bound` is what the goal compares with where that is no tool. */
  figures: Partial<Record<ToolName | 'bound', number>>
  goal?: Goal
}

export interface Goal {
  /** As the issue has it. */
  text: string
  found: number
  atMost?: number
  atLeast?: number
}

const columns = ['nimctl', 's5cmd', 'rclone', 'aws', 'azcopy', 'curl', 'bound'] as const

/** One figure of each tool. */
export function figures(results: Results, of: (run: Run) => number | undefined): Row['figures'] {
  return Object.fromEntries(
    [...results].flatMap(([name, run]) => {
      const figure = of(run)
      return figure === undefined ? [] : [[name, figure]]
    }),
  )
}

export function isMet({ found, atMost = Infinity, atLeast = -Infinity }: Goal): boolean {
  return found <= atMost && found >= atLeast
}

/** Markdown, aligned for people who read it as text. */
export function renderTable(rows: readonly Row[]): string {
  const used = columns.filter(name => rows.some(row => row.figures[name] !== undefined))
  const head = ['measurement', ...used, 'goal', 'found', 'met']
  const body = rows.map(({ what, figures: numbers, goal }) => [
    what,
    ...used.map(name => formatNumber(numbers[name])),
    goal?.text ?? '',
    formatNumber(goal?.found),
    goal === undefined ? '' : isMet(goal) ? 'yes' : 'NO',
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...body.map(cells => cells[column]?.length ?? 0)))
  const isText = (column: number) => ['measurement', 'goal', 'met'].includes(head[column] ?? '')
  const line = (cells: string[]) => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] ?? 0
      return isText(column) ? cell.padEnd(width) : cell.padStart(width)
    })
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, column) => (isText(column) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [head, rule, ...body].map(line).join('\n')
}

function formatNumber(number: number | undefined): string {
  if (number === undefined) return ''
  if (number >= 100) return number.toFixed(0)
  return number.toFixed(number >= 10 ? 1 : 2)
}
