import { Command } from 'commander'

import type { Context } from '../context.ts'
import { nimctlVersion } from '../settings.ts'

/** @param whole makes the program with all of its commands. */
export function manCommand(context: Context, whole: () => Promise<Command>): Command {
  return new Command('man')
    .description('Prints the man page, made from the commands themselves: nimctl man | man -l -')
    .action(async () => {
      const { describeCommand } = await import('../reference/command-shape.ts')
      const { manPage } = await import('../reference/man.ts')
      const page = manPage(describeCommand(await whole()), nimctlVersion())
      context.print('ManPage', { page }, () => page)
    })
}
