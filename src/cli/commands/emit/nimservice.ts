import { Command } from 'commander'

import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addServingOptions, servingFrom, type ServingFlags } from '../../options/emit/serving.ts'
import { addUploadedOptions, readUploaded, type UploadedFlags } from '../../options/emit/uploaded.ts'

interface NimServiceFlags extends UploadedFlags, ImagePlaceFlags, ServingFlags, OutputFlags {
  profile?: string
  claim?: string
}

export function emitNimServiceCommand(context: Context): Command {
  const command = new Command('nimservice')
    .summary('a NIMService on a filled cache')
    .description('Writes a NIMService on the NIMCache of the same name, or on an existing claim.')
    .argument('<name>', 'of the NIMService')
    .option('--profile <profile>', 'to serve, where several were uploaded')
    .option('--claim <name>', 'an existing, filled PersistentVolumeClaim instead of the NIMCache')
    .addHelpText('after', '\nExamples:\n  nimctl emit nimservice llama --cache s3://models/llama --claim models')
    .action((name: string, flags: NimServiceFlags) => emitObjects(name, { flags, context }))
  addUploadedOptions(command)
  addImagePlaceOptions(command)
  addServingOptions(command)
  return addOutputOptions(command)
}

async function emitObjects(name: string, { flags, context }: { flags: NimServiceFlags; context: Context }) {
  const { existingClaim } = await import('../../../emit/claim.ts')
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { emitNimService } = await import('../../../emit/nimservice.ts')
  const { chooseProfile } = await import('../../../emit/profile.ts')
  const { header, cacheUrl } = await readUploaded(flags, context)
  const place = imagePlaceFrom(flags)
  const target = await targetFrom(flags, { kind: 'nimservice', name }, context)
  const result = emitNimService({
    ...target,
    ...place,
    image: nimImage(header.image, place),
    family: header.family,
    profile: chooseProfile(header, flags.profile),
    files:
      flags.claim === undefined ? { from: 'nimcache', name } : { from: 'claim', claim: existingClaim(flags.claim) },
    serving: servingFrom(flags),
  })
  await deliver(result, {
    flags,
    context,
    target,
    place,
    sourceImage: header.image,
    origin: { name, from: cacheUrl.href },
  })
}
