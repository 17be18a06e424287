import { Command } from 'commander'

import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addLoaderOptions, loaderFrom, type LoaderFlags } from '../../options/emit/loader.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addUploadedOptions, readUploaded, type UploadedFlags } from '../../options/emit/uploaded.ts'
import { addVolumeOptions, type VolumeFlags, volumeFrom } from '../../options/emit/volume.ts'
import { given } from '../../options/values.ts'

interface NimCacheFlags extends UploadedFlags, ImagePlaceFlags, LoaderFlags, VolumeFlags, OutputFlags {
  profile?: string
}

export function emitNimCacheCommand(context: Context): Command {
  const command = new Command('nimcache')
    .summary('a NIMCache that fills itself')
    .description('Writes a NIMCache that fills itself from the store, and its ConfigMap where the loader needs one.')
    .argument('<name>', 'of the NIMCache')
    .option('--profile <profile>', 'the only one to hold (default: all that were uploaded)')
    .addHelpText('after', '\nExamples:\n  nimctl emit nimcache llama --cache s3://nim-mirror/ --profile 0494aafc')
    .action((name: string, flags: NimCacheFlags) => emitObjects(name, { flags, context }))
  addUploadedOptions(command)
  addImagePlaceOptions(command)
  addLoaderOptions(command)
  addVolumeOptions(command)
  return addOutputOptions(command)
}

async function emitObjects(name: string, { flags, context }: { flags: NimCacheFlags; context: Context }) {
  const { emitNimCache } = await import('../../../emit/nimcache.ts')
  const uploaded = await readUploaded(flags, context)
  const place = imagePlaceFrom(flags)
  const target = await targetFrom(flags, { kind: 'nimcache', name }, context)
  const result = emitNimCache({
    ...target,
    ...place,
    ...loaderFrom(flags),
    ...given({ profile: flags.profile }),
    uploaded,
    volume: volumeFrom(flags),
  })
  const { cacheUrl, header } = uploaded
  const origin = { name, from: cacheUrl.href }
  await deliver(result, { flags, context, target, place, sourceImage: header.image, origin })
}
