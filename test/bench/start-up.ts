import { spawnSync } from 'node:child_process'

import { type Row, median } from './table.ts'
import { nimctlProgram } from './uploaders.ts'

const runs = 15

/** `nimctl --help` against a Node that does nothing, in turns, so that what disturbs one disturbs the other. */
export function benchStartUp(): Row[] {
  const nothing = ['-e', '0']
  const help = [nimctlProgram, '--help']
  for (const args of [nothing, help]) timeNode(args)
  const pairs = Array.from({ length: runs }, () => ({ nothing: timeNode(nothing), help: timeNode(help) }))
  return [
    {
      what: `start-up: nimctl --help, ms (median of ${runs})`,
      nimctl: median(pairs.map(pair => pair.help)),
      others: { 'node -e 0': median(pairs.map(pair => pair.nothing)) },
      goal: { of: 'ratio', atMost: 2.5 },
    },
  ]
}

/** Milliseconds. */
function timeNode(args: readonly string[]): number {
  const started = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}.`)
  return performance.now() - started
}
