import type { BenchContext } from './context.ts'
import { ours, type Results } from './race.ts'
import { figures, type Row } from './table.ts'

const mebibyte = 1024 ** 2

/** Above what `--help` takes, in bytes. */
const mostMemory = 160 * mebibyte

/** What is said of every race, beside its own goals. */
export function commonRows(name: string, results: Results, context: BenchContext): Row[] {
  const sent = figures(results, ({ stats }) => (stats === undefined ? undefined : stats.bytes / mebibyte))
  return [
    { what: `${name}: CPU, s`, figures: figures(results, ({ cpuSeconds }) => cpuSeconds) },
    ...(sent.nimctl === undefined ? [] : [{ what: `${name}: sent, MiB`, figures: sent }]),
    {
      what: `${name}: peak memory, MiB`,
      figures: figures(results, ({ peakMemory }) => peakMemory / mebibyte),
      goal: {
        text: "≤ --help's + 160 MiB",
        found: (ours(results).peakMemory - context.helpMemory) / mebibyte,
        atMost: mostMemory / mebibyte,
      },
    },
  ]
}

/** What tools were called with, and what that cost the server. */
export function describeRuns(name: string, results: Results): string[] {
  return [...results.values()].map(({ command, stats }) => {
    const shown = command.shown.replaceAll(/\/\S*\/nimctl-\d+-\w+\//g, '').replaceAll(/\bs(?:v|e)=\S+&sig=\S+/g, 'SAS')
    if (stats === undefined) return `${name}: \`${shown}\``
    const requests = Object.entries(stats.requests).flatMap(([kind, count]) => (count > 0 ? [`${count} ${kind}`] : []))
    return `${name}: \`${shown}\` (${requests.join(', ')}; ${stats.cpuSeconds.toFixed(1)} CPU s of the sink)`
  })
}
