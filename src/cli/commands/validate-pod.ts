import { Command, Option } from 'commander'

import { NimctlError } from '../../system/errors.ts'
import type { ImageDigest } from '../../transfer/marker.ts'
import type { Context } from '../context.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { addClusterPlaceOptions, openFlaggedCluster, type ClusterPlaceFlags } from '../options/cluster.ts'
import { openPlace } from '../options/place.ts'
import { addStoreOptions, type StoreFlags } from '../options/store.ts'
import { parseImageDigest } from '../options/values.ts'

interface PodFlags extends CheckFlags, ClusterPlaceFlags, StoreFlags {
  selector?: string
  container?: string
  cachePath?: string
  against?: string
  image?: ImageDigest
  profile?: string
}

export function validatePodCommand(context: Context): Command {
  const command = new Command('pod')
    .summary("check a pod's volume and log")
    .description(
      'Lists the cache in the volume of a pod that runs, by a command in its container, and reads its log: is every file\n' +
        'there that the inventory names, did the NIM try to download, which profile is in use. Contents are not read.',
    )
    .argument('[name]', 'of the pod')
    .option('-l, --selector <labels>', 'all pods that have them, as kubectl takes them')
    .option('-c, --container <name>', '(default: the one that mounts the cache, else the first)')
    .option(
      '--cache-path <path>',
      "of the cache in the container (default: NIM_CACHE_PATH of the pod, else the family's usual mount)",
    )
    .option('--against <url>', 'store whose inventory says which files there should be')
    .addOption(
      new Option('--image <image@digest>', 'which one, in a bucket of layout ngc that several images share').argParser(
        parseImageDigest,
      ),
    )
    .option('--profile <profile>', 'must be in use: an id, or its beginning')
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl validate pod llama-0 -n nim --against s3://models/llama\n  nimctl validate pod -l app=llama -n nim --profile 0494aafc',
    )
    .action(async (name: string | undefined, flags: PodFlags) => {
      const { validatePod } = await import('../../validate/pod.ts')
      const pods = choosePods(name, flags.selector)
      const { container, cachePath, against, image, profile } = flags
      const open = (url: string) => openPlace(url, flags, { context, readOnly: true })
      await runChecks(
        flags,
        context,
        async checks => {
          const store = against === undefined ? undefined : await open(against)
          try {
            return await validatePod({
              cluster: await openFlaggedCluster(flags, context),
              pods,
              ...(container !== undefined && { container }),
              ...(cachePath !== undefined && { cachePath }),
              ...(store !== undefined && { against: { store, ...(image !== undefined && { image }) } }),
              ...(profile !== undefined && { profile }),
              checks,
              signal: context.signal,
              report: context.report,
            })
          } finally {
            store?.close()
          }
        },
        { passed: true },
      )
    })
  return addCheckOptions(addStoreOptions(addClusterPlaceOptions(command, 'Cluster:', 'of the pod')))
}

function choosePods(name: string | undefined, selector: string | undefined): { name: string } | { selector: string } {
  if (name !== undefined && selector === undefined) return { name: name.replace(/^pods?\//, '') }
  if (name === undefined && selector !== undefined) return { selector }
  throw new NimctlError('usage', 'POD_NOT_NAMED', {
    what: name === undefined ? 'No pod is named.' : 'Pods are named twice: by name and by labels.',
    next: 'Give either the name of a pod, or its labels with -l.',
  })
}
