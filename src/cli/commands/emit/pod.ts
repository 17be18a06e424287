import { Command, Option } from 'commander'

import type { PodVolume } from '../../../emit/pod/files.ts'
import { type PodForm, podForms } from '../../../emit/pod/pod.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addPlainOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import {
  type AdapterFlags,
  adaptersFrom,
  addAdapterOptions,
  addNimImageOption,
  addOnlineOptions,
  addPodOptions,
  type NimImageFlags,
  onlineFrom,
  type OnlineFlags,
  type PodFlags,
  podFrom,
  readUploadedIfAny,
} from '../../options/emit/pod.ts'
import { addUploadedOptions } from '../../options/emit/uploaded.ts'
import { addVolumeOptions, type VolumeFlags, volumeFrom } from '../../options/emit/volume.ts'
import { given } from '../../options/values.ts'

interface EmitPodFlags
  extends NimImageFlags, ImagePlaceFlags, VolumeFlags, PodFlags, OnlineFlags, AdapterFlags, OutputFlags {
  as: PodForm
  profile?: string
  model?: string
  loaderImage?: string
  newClaim?: boolean
  subPath?: string
}

export function emitPodCommand(context: Context): Command {
  const command = new Command('pod')
    .summary('a NIM without the NIM Operator: Deployment or Pod, and Service')
    .description(
      'Writes a Deployment (or a bare Pod) that runs a NIM without the NIM Operator, and its Service.\n' +
        "Its files come from a filled claim, or nimctl's own image fetches them before the NIM starts.",
    )
    .argument('<name>', 'of the Deployment and of the Service')
    .option('--profile <profile>', 'to serve, where several were uploaded')
    .option('--model <name>', "to serve, where a native image's cache holds several")
    .addHelpText('after', examples)
    .action((name: string, flags: EmitPodFlags) => emitObjects(name, { flags, context }))
  addUploadedOptions(command)
  addNimImageOption(command)
  addImagePlaceOptions(command)
  const options = [
    new Option('--loader-image <image>', "nimctl's own image in the internal registry: it fills the volume"),
    new Option('--new-claim', 'a claim NAME-cache for the files (default: an emptyDir, gone with the pod)').conflicts(
      'claim',
    ),
    new Option('--sub-path <path>', 'folder of the existing claim'),
  ]
  for (const option of options) command.addOption(option.helpGroup('Volume:'))
  addVolumeOptions(command)
  command.addOption(
    new Option('--as <form>', 'what controls the pod').choices(podForms).default('deployment').helpGroup('Pod:'),
  )
  addPodOptions(command)
  addAdapterOptions(command)
  addOnlineOptions(command)
  return addPlainOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit pod llama --cache s3://models/llama --claim models --image-registry registry.internal:5000
  nimctl emit pod llama --cache s3://models/llama --loader-image registry.internal:5000/tools/nimctl:0.1.0 \\
    --adapter s3://models/adapters/tone --peft-source /opt/nim/peft --adapter-memory 2Gi
  nimctl emit pod llama --nim-image nvcr.io/nim/meta/llama3-8b-instruct:1.0.0 --online --ngc-secret ngc --as pod`

async function emitObjects(name: string, { flags, context }: { flags: EmitPodFlags; context: Context }) {
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { emitPod } = await import('../../../emit/pod/pod.ts')
  const { podProfile } = await import('../../../emit/profile.ts')
  const uploaded = await readUploadedIfAny(flags, context)
  const header = uploaded?.header
  const place = imagePlaceFrom(flags)
  const online = onlineFrom(flags)
  const profile = podProfile(header, { wanted: flags.profile, online: online.online })
  const target = await targetFrom(flags, { kind: 'pod', name }, context)
  const image = flags.nimImage ?? header?.image
  const result = emitPod({
    ...target,
    ...place,
    ...podFrom(flags),
    ...online,
    ...given({ uploaded, profile, model: flags.model, loaderImage: flags.loaderImage, family: header?.family }),
    image: nimImage(image, place),
    form: flags.as,
    volume: podVolume(flags),
    lora: adaptersFrom(flags),
  })
  const origin = { name, from: uploaded?.cacheUrl.href ?? flags.nimImage ?? '' }
  await deliver(result, { flags, context, target, place, sourceImage: image, origin })
}

/** @throws NimctlError `usage` / `VOLUME_FLAGS_IDLE`. */
function podVolume(flags: EmitPodFlags): PodVolume {
  const { claim, subPath, newClaim = false, size } = flags
  refuseIdle({ '--sub-path': subPath }, { unless: claim !== undefined, next: 'Add --claim NAME, or leave it out.' })
  const { storageClass, accessMode } = flags
  refuseIdle(
    { '--storage-class': storageClass, '--access-mode': accessMode },
    { unless: newClaim, next: 'Add --new-claim, or leave it out.' },
  )
  if (claim !== undefined) return { type: 'claim', claim, ...given({ subPath }) }
  if (newClaim) return { type: 'new-claim', ...volumeFrom(flags) }
  return { type: 'emptyDir', ...given({ size }) }
}

function refuseIdle(flags: Record<string, unknown>, { unless, next }: { unless: boolean; next: string }): void {
  const idle = Object.keys(flags).filter(flag => flags[flag] !== undefined)
  if (unless || idle.length === 0) return
  throw new NimctlError('usage', 'VOLUME_FLAGS_IDLE', {
    what: `${idle.join(' and ')} would change nothing: the pod's volume is of another kind.`,
    next,
  })
}
