import { spawnSync } from 'node:child_process'

import type { Row } from './table.ts'
import { nimctlProgram } from './tools.ts'

const runs = 15

/** `nimctl --help` against a Node that does nothing, in turns, so that what disturbs one disturbs the other. */
export function benchStartUp(): Row[] {
  const nothing = ['-e', '0']
  const help = [nimctlProgram, '--help']
  for (const args of [nothing, help]) timeNode(args)
  const pairs = Array.from({ length: runs }, () => ({ nothing: timeNode(nothing), help: timeNode(help) }))
  const ours = median(pairs.map(pair => pair.help))
  const bare = median(pairs.map(pair => pair.nothing))
  return [
    {
      what: `start-up: nimctl --help, ms, median of ${runs} (bound: node -e 0)`,
      figures: { nimctl: ours, bound: bare },
      goal: { text: '≤ 2.5 × bound', found: ours / bare, atMost: 2.5 },
    },
  ]
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Milliseconds. */
function timeNode(args: readonly string[]): number {
  const started = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}.`)
  return performance.now() - started
}
