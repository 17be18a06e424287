import ora from 'ora'

import type { Renderer } from './renderer.ts'
import { describeEvent, openTally } from './tally.ts'

const intervalMs = 200

/** What ora draws before the first line; the others stand below it. */
const indent = '  '

/** A live line on a terminal, or one for each destination; what has to be read stands above. */
export function openTerminalRenderer(
  stream: NodeJS.WriteStream,
  { verbose, color }: { verbose: boolean; color: boolean },
): Renderer {
  const tally = openTally(Date.now)
  // Ctrl-C is main's business, and nothing is typed into nimctl while it works. That it is a terminal is known.
  const spinner = ora({
    stream,
    isEnabled: true,
    discardStdin: false,
    hideCursor: false,
    color: color ? 'cyan' : false,
  })
  const describe = () => tally.describe(Math.max(1, stream.columns - indent.length)).join(`\n${indent}`)
  // By the clock and not by events: when none come, the rate has to fall.
  let refreshing: NodeJS.Timeout | undefined
  const start = (): void => {
    clearInterval(refreshing)
    spinner.start(describe())
    refreshing = setInterval(() => (spinner.text = describe()), intervalMs).unref()
  }
  const stop = (): void => {
    clearInterval(refreshing)
    spinner.stop()
  }
  const above = (line: string): void => {
    const spinning = spinner.isSpinning
    if (spinning) spinner.stop()
    stream.write(`${line}\n`)
    if (spinning) spinner.start()
  }
  return {
    report(event) {
      tally.add(event)
      if (event.event === 'started') start()
      else if (event.event === 'ended') stop()
      else {
        const line = describeEvent(event, verbose)
        if (line !== undefined) above(line)
      }
    },
    close: stop,
  }
}
