import Table from 'cli-table3'

import type { KillResult } from './kill.ts'

export function renderTable(results: readonly KillResult[]): string {
  const table = new Table({
    head: ['command', 'killed at', 'kills', 'bytes moved', 'MiB again, most', 'problems'],
    style: { head: [], border: [] },
  })
  const groups = Map.groupBy(results, ({ command, phase }) => `${command} ${phase}`)
  for (const [name, group] of [...groups].toSorted(([a], [b]) => a.localeCompare(b))) {
    const [command = '', phase = ''] = name.split(' ')
    table.push([command, phase, ...countsOf(group)])
  }
  table.push(['all', '', ...countsOf(results)])
  return table.toString()
}

function countsOf(results: readonly KillResult[]): string[] {
  const moved = results.filter(({ bytesMoved }) => bytesMoved).length
  const most = Math.max(0, ...results.map(({ againBytes }) => againBytes))
  const problems = results.reduce((sum, result) => sum + result.problems.length, 0)
  return [
    String(results.length),
    `${moved} (${Math.round((moved / Math.max(1, results.length)) * 100)}%)`,
    (most / 2 ** 20).toFixed(1),
    String(problems),
  ]
}
