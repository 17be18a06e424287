import { Command, Option } from 'commander'

import type { Context } from '../context.ts'
import { addClusterPlaceOptions, openFlaggedCluster, type ClusterPlaceFlags } from '../options/cluster.ts'
import { parseDuration } from '../options/values.ts'

interface StatusFlags extends ClusterPlaceFlags {
  wait?: true
  timeout: number
}

export function statusCommand(context: Context): Command {
  const command = new Command('status')
    .description(
      'Joins an object and all that it owns or names into one answer: NIMPipeline, NIMService, NIMCache, NIMBuild,\n' +
        'Deployment, Job, pods and claims, with their conditions, events and the end of the log of what failed. Where it is\n' +
        'not ready, it names the lowest thing that keeps it from being so, why, and what to do. Nothing is changed.\n' +
        'Exit code 0: ready, or well on its way; 3: it does not get on.',
    )
    .argument('<kind/name>', 'such as nimservice/llama, nimcache/llama, job/llama-loader, pvc/llama, deployment/llama')
    .option('--wait', 'until it is ready, or has failed for good')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait; exit code 6 when it is over')
        .default(parseDuration('30m'), '30m')
        .argParser(parseDuration),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl status nimservice/llama -n nim\n  nimctl status nimcache/llama -n nim --wait --timeout 2h\n  nimctl status job/llama-loader -n nim --json',
    )
    .action(async (text: string, flags: StatusFlags) => {
      const { parseTarget } = await import('../../status/target.ts')
      const target = parseTarget(text)
      const cluster = await openFlaggedCluster(flags, context)
      const { signal, report } = context
      const { waitForStatus } = await import('../../status/wait.ts')
      const { readStatus } = await import('../../status/status.ts')
      const status =
        flags.wait === true
          ? await waitForStatus(cluster, target, { timeoutMs: flags.timeout, signal, report })
          : await readStatus(cluster, target, signal)
      const { renderStatus } = await import('../render/status.ts')
      context.print('StatusReport', status, () => renderStatus(status))
    })
  return addClusterPlaceOptions(command, 'Cluster:', 'of the object')
}
