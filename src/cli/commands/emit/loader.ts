import { Command, Option } from 'commander'

import type { Context } from '../../context.ts'
import { addJobOptions, jobFrom, jobHeading, type JobFlags } from '../../options/emit/job.ts'
import { addLoaderImageOption, type LoaderFlags } from '../../options/emit/loader.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addUploadedManyOptions, readUploadedMany, type UploadedManyFlags } from '../../options/emit/uploaded-many.ts'
import { addVolumeOptions, type VolumeFlags, volumeFrom } from '../../options/emit/volume.ts'
import { given, parseCount } from '../../options/values.ts'

interface EmitLoaderFlags extends UploadedManyFlags, LoaderFlags, VolumeFlags, JobFlags, OutputFlags {
  parallelism?: number
}

export function emitLoaderCommand(context: Context): Command {
  const command = new Command('loader')
    .summary('a volume with one or many models, and the Job that fills it')
    .description(
      "Writes a PersistentVolumeClaim and a Job that fills it from the store, by nimctl's own image.\n" +
        'Several caches make an Indexed Job: each has a folder of its own in the volume.\n' +
        'A pod goes on where another one was killed, and checks every file.',
    )
    .argument('<name>', 'of the Job, and of the claim where none is named')
    .addHelpText('after', examples)
    .action((name: string, flags: EmitLoaderFlags) => emitObjects(name, { flags, context }))
  addUploadedManyOptions(command)
  addLoaderImageOption(command)
  addVolumeOptions(command)
  addJobOptions(command)
  command.addOption(
    new Option('--parallelism <n>', 'of several caches, how many are fetched at a time (default: all)')
      .argParser(parseCount)
      .helpGroup(jobHeading),
  )
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit loader llama --cache s3://models/llama --loader-image registry.internal:5000/tools/nimctl:0.1.0
  nimctl emit loader models --cache s3://models/llama --cache asr=s3://models/riva/v2 --claim models --parallelism 2`

async function emitObjects(name: string, { flags, context }: { flags: EmitLoaderFlags; context: Context }) {
  const { emitLoader } = await import('../../../emit/loader/loader.ts')
  const caches = await readUploadedMany(flags, context)
  const { loaderImage, pullSecret, parallelism } = flags
  const target = await targetFrom(flags, { kind: 'loader', name }, context)
  const result = emitLoader({
    ...target,
    ...given({ loaderImage, pullSecret, parallelism }),
    caches,
    volume: volumeFrom(flags),
    newClaimName: name,
    job: jobFrom(flags),
  })
  const from = caches.map(({ uploaded }) => uploaded.cacheUrl.href).join(', ')
  await deliver(result, { flags, context, target, origin: { name, from } })
}
