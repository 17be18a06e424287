import { Command, Option } from 'commander'

import type { KserveSource } from '../../../emit/kserve/kserve.ts'
import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addPlainOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import {
  addNimImageOption,
  addPodOptions,
  type NimImageFlags,
  type PodFlags,
  podFrom,
  readUploadedIfAny,
} from '../../options/emit/pod.ts'
import { addUploadedOptions } from '../../options/emit/uploaded.ts'
import { given } from '../../options/values.ts'

interface EmitKserveFlags extends NimImageFlags, ImagePlaceFlags, PodFlags, OutputFlags {
  profile?: string
  claim?: string
  subPath?: string
  serviceAccount?: string
  loaderImage?: string
}

const heading = 'How KServe reads it:'

export function emitKserveCommand(context: Context): Command {
  const command = new Command('kserve')
    .summary('an InferenceService of KServe')
    .description(
      'Writes an InferenceService of KServe, the ServingRuntime that runs the NIM for it, and what its storage\n' +
        'initializer needs to read the upload.',
    )
    .argument('<name>', 'of the InferenceService')
    .option('--profile <profile>', 'to serve, where several were uploaded')
    .addHelpText('after', examples)
    .action((name: string, flags: EmitKserveFlags) => emitObjects(name, { flags, context }))
  addUploadedOptions(command)
  addNimImageOption(command)
  addImagePlaceOptions(command)
  const options = [
    new Option('--loader-image <image>', "nimctl's own image reads the store, in the place of KServe's initializer"),
    new Option('--service-account <name>', 'an existing one that may read the store, instead of a Secret'),
    new Option('--claim <name>', 'an existing, filled PersistentVolumeClaim instead of a store'),
    new Option('--sub-path <path>', 'folder of that claim'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  addPodOptions(command)
  return addPlainOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit kserve llama --cache s3://models/llama --image-registry registry.internal:5000
  nimctl emit kserve llama --cache s3://models/llama --loader-image registry.internal:5000/tools/nimctl:0.1.0
  nimctl emit kserve llama --cache s3://models/llama --claim models --sub-path llama`

async function emitObjects(name: string, { flags, context }: { flags: EmitKserveFlags; context: Context }) {
  const { emitKserve } = await import('../../../emit/kserve/kserve.ts')
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { podProfile } = await import('../../../emit/profile.ts')
  const uploaded = await readUploadedIfAny(flags, context)
  const header = uploaded?.header
  const place = imagePlaceFrom(flags)
  const profile = podProfile(header, { wanted: flags.profile, online: false })
  const target = await targetFrom(flags, { kind: 'kserve', name }, context)
  const image = flags.nimImage ?? header?.image
  const result = emitKserve({
    ...target,
    ...place,
    ...podFrom(flags),
    ...given({ uploaded, profile, loaderImage: flags.loaderImage, family: header?.family }),
    image: nimImage(image, place),
    source: sourceFrom(flags),
  })
  const origin = { name, from: uploaded?.cacheUrl.href ?? flags.nimImage ?? '' }
  await deliver(result, { flags, context, target, place, sourceImage: image, origin })
}

function sourceFrom({ claim, subPath, serviceAccount }: EmitKserveFlags): KserveSource {
  if (claim !== undefined) return { from: 'claim', claim, ...given({ subPath }) }
  return { from: 'store', ...given({ serviceAccount }) }
}
