const others = ['node -e 0', 'aws s3', 's5cmd'] as const

type Other = (typeof others)[number]

export interface Row {
  what: string
  nimctl: number
  others?: Partial<Record<Other, number>>
  /** A bound for the ratio, or for nimctl's own number. */
  goal?: { of: 'ratio' | 'nimctl'; atMost: number }
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  if (low === undefined || high === undefined) throw new Error('There is no median of nothing.')
  return (low + high) / 2
}

/** nimctl's number by that of the best other; below 1 nimctl is better. */
export function ratioToBest({ nimctl, others }: Row): number | undefined {
  const numbers = Object.values(others ?? {})
  return numbers.length === 0 ? undefined : nimctl / Math.min(...numbers)
}

/** Markdown, aligned for people who read it as text. */
export function renderTable(rows: readonly Row[]): string {
  const head = ['measurement', 'nimctl', ...others, 'nimctl / best other', 'goal']
  const body = rows.map(row => [
    row.what,
    formatNumber(row.nimctl),
    ...others.map(name => formatNumber(row.others?.[name])),
    formatNumber(ratioToBest(row)),
    formatGoal(row),
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...body.map(cells => cells[column]?.length ?? 0)))
  const line = (cells: string[]) => {
    const padded = cells.map((cell, column) => {
      const width = widths[column] ?? 0
      return isText(column, head) ? cell.padEnd(width) : cell.padStart(width)
    })
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, column) => (isText(column, head) ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [head, rule, ...body].map(line).join('\n')
}

function isText(column: number, head: readonly string[]): boolean {
  return column === 0 || column === head.length - 1
}

function formatNumber(number: number | undefined): string {
  if (number === undefined) return ''
  if (number >= 100) return number.toFixed(0)
  return number.toFixed(number >= 10 ? 1 : 2)
}

function formatGoal(row: Row): string {
  if (row.goal === undefined) return ''
  const { of, atMost } = row.goal
  const found = of === 'ratio' ? ratioToBest(row) : row.nimctl
  return `${of} ≤ ${atMost}: ${found !== undefined && found <= atMost ? 'met' : 'missed'}`
}
