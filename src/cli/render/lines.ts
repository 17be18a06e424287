import type { ProgressEvent } from '../../system/progress.ts'
import type { Renderer } from './renderer.ts'
import { describeEvent, openTally } from './tally.ts'

const plainIntervalMs = 30_000

/** For logs and CI: what happens is said once, how far it is about every 30 seconds. */
export function openPlainRenderer(
  stream: NodeJS.WritableStream,
  { verbose, now = Date.now }: { verbose: boolean; now?: () => number },
): Renderer {
  const tally = openTally(now)
  let lastMs = now()
  return {
    report(event) {
      tally.add(event)
      const line = describeEvent(event, verbose)
      if (line !== undefined) stream.write(`${line}\n`)
      else if (event.event === 'ended' || now() - lastMs >= plainIntervalMs) {
        lastMs = now()
        for (const each of tally.describe()) stream.write(`${each}\n`)
      }
    },
    close: () => {},
  }
}

/** One JSON document a line, every event as it is. */
export function openJsonRenderer(stream: NodeJS.WritableStream): Renderer {
  return { report: (event: ProgressEvent) => stream.write(`${JSON.stringify(event)}\n`), close: () => {} }
}
