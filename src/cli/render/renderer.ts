import { silent, type Report } from '../../system/progress.ts'
import type { GlobalFlags } from '../program.ts'
import { openJsonRenderer, openPlainRenderer } from './lines.ts'

export interface Renderer {
  report: Report
  /** Removes a live line, so that a result can follow. */
  close: () => void
}

/** What shows progress on stderr: a live line on a terminal, plain lines elsewhere, JSON lines or nothing if asked for. */
export async function openRenderer(
  flags: GlobalFlags,
  stream: NodeJS.WriteStream,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Renderer> {
  if (flags.quiet === true) return { report: silent, close: () => {} }
  if (flags.progress === 'json') return openJsonRenderer(stream)
  // A terminal without a width (script, some CI runners) would make the live line infinitely many lines high.
  const live = stream.isTTY && stream.columns > 0 && !env.CI && flags.progress !== 'plain' && env.TERM !== 'dumb'
  const verbose = flags.verbose === true
  if (!live) return openPlainRenderer(stream, { verbose })
  const { openTerminalRenderer } = await import('./terminal.ts')
  return openTerminalRenderer(stream, { verbose, color: !env.NO_COLOR })
}
