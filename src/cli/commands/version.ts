import { Command } from 'commander'

import type { Context } from '../context.ts'
import { nimctlVersion } from '../settings.ts'

export function versionCommand(context: Context): Command {
  return new Command('version')
    .description('Prints the versions of nimctl and of the Node.js that runs it.')
    .action(() => {
      const result = {
        version: nimctlVersion(),
        node: process.versions.node,
        platform: `${process.platform}/${process.arch}`,
      }
      context.print('Version', result, () => `nimctl ${result.version} (Node.js ${result.node}, ${result.platform})`)
    })
}
