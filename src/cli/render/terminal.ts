import ora from 'ora'

import type { Renderer } from './renderer.ts'
import { describeEvent, openTally } from './tally.ts'

const intervalMs = 200

/** A live line on a terminal; what has to be read stands above it. */
export function openTerminalRenderer(
  stream: NodeJS.WriteStream,
  { verbose, color }: { verbose: boolean; color: boolean },
): Renderer {
  const tally = openTally(Date.now)
  // Ctrl-C is main's business, and nothing is typed into nimctl while it works.
  const spinner = ora({ stream, discardStdin: false, hideCursor: false, color: color ? 'cyan' : false })
  let shownMs = 0

  const above = (line: string): void => {
    const spinning = spinner.isSpinning
    if (spinning) spinner.stop()
    stream.write(`${line}\n`)
    if (spinning) spinner.start()
  }
  return {
    report(event) {
      tally.add(event)
      if (event.event === 'started') spinner.start(tally.describe())
      else if (event.event === 'ended') spinner.stop()
      else {
        const line = describeEvent(event, verbose)
        if (line !== undefined) above(line)
      }
      if (Date.now() - shownMs < intervalMs) return
      shownMs = Date.now()
      spinner.text = tally.describe()
    },
    close: () => {
      spinner.stop()
    },
  }
}
