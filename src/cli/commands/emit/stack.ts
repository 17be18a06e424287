import { Command, Option } from 'commander'

import { type LoaderPlace, loaderPlaces } from '../../../emit/stack.ts'
import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addLoaderJobOptions, loaderJobFrom, type LoaderJobFlags, refuseIdleJobFlags } from '../../options/emit/job.ts'
import { addLoaderOptions, loaderFrom, loaderHeading, type LoaderFlags } from '../../options/emit/loader.ts'
import { addPrefixedJobOptions, prefixedJobFrom, type PrefixedJobFlags } from '../../options/emit/nimcache-job.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addServingOptions, servingFrom, type ServingFlags } from '../../options/emit/serving.ts'
import { addUploadedOptions, readUploaded, type UploadedFlags } from '../../options/emit/uploaded.ts'
import { addVolumeOptions, type VolumeFlags, volumeFrom } from '../../options/emit/volume.ts'
import { given } from '../../options/values.ts'

interface StackFlags
  extends
    UploadedFlags,
    ImagePlaceFlags,
    LoaderFlags,
    LoaderJobFlags,
    PrefixedJobFlags,
    VolumeFlags,
    ServingFlags,
    OutputFlags {
  profile?: string
  loader?: LoaderPlace
}

export function emitStackCommand(context: Context): Command {
  const command = new Command('stack')
    .summary('all that a cluster needs for what was uploaded')
    .description(
      'Writes the whole right set for an uploaded cache, in the order in which to apply it.\n' +
        "What is right follows from what was uploaded: layouts cache and tar are fetched by nimctl's own image,\n" +
        'layout ngc by the NIM itself through NIM_REPOSITORY_OVERRIDE.',
    )
    .argument('<name>', 'of the NIMCache and of the NIMService')
    .option('--profile <profile>', 'to serve, where several were uploaded')
    .addHelpText('after', examples)
    .action((name: string, flags: StackFlags, self: Command) => {
      if (flags.loader !== 'job') refuseIdleJobFlags(self)
      return emitObjects(name, { flags, context })
    })
  addUploadedOptions(command)
  addImagePlaceOptions(command)
  command.addOption(
    new Option(
      '--loader <place>',
      'who fetches layouts cache and tar: a NIMCache (default), a Job, or each pod at its start',
    )
      .choices(loaderPlaces)
      .helpGroup(loaderHeading),
  )
  addLoaderOptions(command)
  addPrefixedJobOptions(command)
  addLoaderJobOptions(command)
  addVolumeOptions(command)
  addServingOptions(command)
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit stack llama --cache s3://models/llama --image-registry registry.internal:5000 \\
    --loader-image registry.internal:5000/tools/nimctl:0.1.0 | kubectl apply -f -
  nimctl emit stack llama --cache s3://models/llama --loader job --loader-image registry.internal:5000/tools/nimctl:0.1.0
  nimctl emit stack llama --inventory inventory.jsonl --store-url s3://models/llama/ --write llama.yaml`

async function emitObjects(name: string, { flags, context }: { flags: StackFlags; context: Context }) {
  const { emitStack } = await import('../../../emit/stack.ts')
  const uploaded = await readUploaded(flags, context)
  const place = imagePlaceFrom(flags)
  const target = await targetFrom(flags, { kind: 'stack', name }, context)
  const result = emitStack({
    ...target,
    ...place,
    ...loaderFrom(flags),
    ...given({ profile: flags.profile, loader: flags.loader }),
    job: loaderJobFrom(flags),
    nimCacheJob: await prefixedJobFrom(flags, context),
    uploaded,
    volume: volumeFrom(flags),
    serving: await servingFrom(flags, context),
  })
  const { cacheUrl, header } = uploaded
  const origin = { name, from: cacheUrl.href }
  await deliver(result, { flags, context, target, place, sourceImage: header.image, origin })
}
