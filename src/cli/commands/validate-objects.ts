import { Command } from 'commander'

import type { Cluster } from '../../kubernetes/cluster.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { addClusterPlaceOptions, type ClusterPlaceFlags, openFlaggedCluster } from '../options/cluster.ts'
import { collect, given } from '../options/values.ts'

interface ObjectsFlags extends CheckFlags, ClusterPlaceFlags {
  filename?: string[]
  operatorVersion?: string
  imageRegistry?: string[]
  online?: true
  cluster?: true
}

export function validateObjectsCommand(context: Context): Command {
  const command = new Command('objects')
    .summary('check Kubernetes YAML')
    .description(
      'Checks objects as a cluster would take them: what the NIM Operator of a version refuses, drops or fails with, and\n' +
        'what asks outside where there is an air gap. With a cluster also what they want of it, from its nodes upwards,\n' +
        'and what its API server says of each (a dry run). Nothing is applied.',
    )
    .option('-f, --filename <file>', 'file, directory, kustomization.yaml, or - for stdin; may be repeated', collect)
    .option('--operator-version <version>', "of the NIM Operator (default: the cluster's, else the newest known)")
    .option('--image-registry <registry>', 'an internal one, with its prefix; may be repeated', collect)
    .option('--online', 'the cluster reaches the internet: say nothing of what asks outside')
    .option('--cluster', 'ask the current cluster, too; --context or --kubeconfig ask the one that they name')
    .addHelpText('after', examples)
    .action(async (flags: ObjectsFlags) => {
      const { parseOperatorVersion } = await import('../../operator/versions.ts')
      const { validateObjects } = await import('../../validate/objects.ts')
      const { readObjectFiles } = await import('../../validate/objects/files.ts')
      const paths = requireFiles(flags)
      const { operatorVersion, imageRegistry = [], online = false } = flags
      const version = operatorVersion === undefined ? undefined : parseOperatorVersion(operatorVersion)
      const cluster = await openAskedCluster(flags, context)
      await runChecks(
        flags,
        context,
        async checks =>
          await validateObjects({
            target: paths.map(path => (path === '-' ? 'stdin' : path)).join(', '),
            source: await readObjectFiles(paths, () => context.readStdin()),
            registries: imageRegistry.map(registry => registry.replace(/\/+$/, '')),
            online,
            ...given({ operatorVersion: version, cluster }),
            checks,
            signal: context.signal,
            report: context.report,
          }),
        { passed: true },
      )
    })
  return addCheckOptions(addClusterPlaceOptions(command, 'Cluster:', 'of objects that name none'))
}

const examples = `
Examples:
  nimctl validate objects -f llama.yaml --image-registry registry.internal:5000
  nimctl validate objects -f ./manifests --operator-version 3.0.2
  nimctl validate objects -f llama.yaml --context production -n nim
  nimctl emit stack llama --cache s3://models/llama --loader-image registry.internal:5000/tools/nimctl:0.1.0 | nimctl validate objects -f -`

function requireFiles({ filename }: ObjectsFlags): string[] {
  if (filename !== undefined) return filename
  throw new NimctlError('usage', 'OBJECTS_NOT_NAMED', {
    what: 'No file is named.',
    next: 'Name files or directories: nimctl validate objects -f FILE; - reads stdin.',
  })
}

/** Without a word about it no cluster is asked: YAML is checked where there is none, and the current one may be another's. */
async function openAskedCluster(flags: ObjectsFlags, context: Context): Promise<Cluster | undefined> {
  if (flags.cluster || flags.context !== undefined || flags.kubeconfig !== undefined)
    return await openFlaggedCluster(flags, context)
  if (flags.namespace === undefined) return undefined
  throw new NimctlError('usage', 'CLUSTER_FLAGS_IDLE', {
    what: '--namespace only matters in a cluster.',
    next: 'Add --cluster to ask the current one, or --context NAME; or leave it out.',
  })
}
