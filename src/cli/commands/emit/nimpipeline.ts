import { Command, Option } from 'commander'

import type { PipelineService } from '../../../emit/nimpipeline/nimpipeline.ts'
import type { Context } from '../../context.ts'
import { addGroup } from '../../options/emit/group.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { collectPair } from '../../options/emit/parsers.ts'
import { addUploadedManyOptions, readUploadedMany, type UploadedManyFlags } from '../../options/emit/uploaded-many.ts'
import { readInput } from '../../options/input.ts'
import { collect, given } from '../../options/values.ts'

interface NimPipelineFlags extends UploadedManyFlags, ImagePlaceFlags, OutputFlags {
  service?: string[]
  profile?: Record<string, string>
  dependency?: string[]
  disable?: string[]
}

export function emitNimPipelineCommand(context: Context): Command {
  const command = new Command('nimpipeline')
    .summary('a NIMPipeline: several NIMServices as one')
    .description(
      'Writes a NIMPipeline of NIMServices that stand in files, or of one for each cache: on the NIMCache of its name,\n' +
        'with no key, and with the usual values. For others write each with nimctl emit nimservice, and give the files.',
    )
    .argument('<name>', 'of the NIMPipeline')
    .addHelpText('after', examples)
    .action((name: string, flags: NimPipelineFlags) => emitObjects(name, { flags, context }))
  addGroup(command, 'Services:', [
    new Option('--service <file>', 'YAML or JSON with NIMServices; may be repeated').argParser(collect),
    new Option('--profile <service=profile>', 'to serve, where a cache holds several; may be repeated').argParser(
      collectPair('llama=0494aafc'),
    ),
    new Option(
      '--dependency <service=other:variable[=value]>',
      'a variable of a service with the address of another one; may be repeated',
    ).argParser(collect),
    new Option('--disable <service>', 'not to run for now; may be repeated').argParser(collect),
  ])
  addUploadedManyOptions(command)
  addImagePlaceOptions(command)
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit nimpipeline rag --service llm.yaml --service embedding.yaml --dependency llm=embedding:EMBEDDING_URL
  nimctl emit nimpipeline rag -n nim --cache llm=s3://models/llama --cache embedding=s3://models/embedqa \\
    --profile llm=0494aafc --image-registry registry.internal:5000`

async function emitObjects(name: string, { flags, context }: { flags: NimPipelineFlags; context: Context }) {
  const { emitNimPipeline } = await import('../../../emit/nimpipeline/nimpipeline.ts')
  const { parseDependency, parseServices } = await import('../../../emit/nimpipeline/services.ts')
  const { service: files = [], dependency = [], disable, cache, inventory } = flags
  const services: PipelineService[] = []
  for (const file of files) services.push(...parseServices(await readInput(file, context), file))
  const made = cache === undefined && inventory === undefined ? [] : await servicesOnCaches(name, { flags, context })
  const target = await targetFrom(flags, { kind: 'nimpipeline', name }, context)
  const result = emitNimPipeline({
    ...target,
    services: [...services, ...made.map(({ service }) => service)],
    dependencies: dependency.map(parseDependency),
    ...given({ disabled: disable }),
  })
  const warnings = [...new Set([...result.warnings, ...made.flatMap(part => part.warnings)])]
  const from = [...files, ...made.map(part => part.from)].join(', ')
  await deliver(
    { ...result, warnings },
    { flags, context, target, place: imagePlaceFrom(flags), origin: { name, from } },
  )
}

interface MadeService {
  service: PipelineService
  warnings: string[]
  from: string
}

async function servicesOnCaches(
  pipeline: string,
  { flags, context }: { flags: NimPipelineFlags; context: Context },
): Promise<MadeService[]> {
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { emitNimService } = await import('../../../emit/nimservice/nimservice.ts')
  const { chooseProfile } = await import('../../../emit/profile.ts')
  const place = imagePlaceFrom(flags)
  const target = await targetFrom(flags, { kind: 'nimservice', name: pipeline }, context)
  const caches = await readUploadedMany(flags, context)
  return caches.map(({ folder: name = pipeline, uploaded: { header, cacheUrl } }) => {
    const { objects, warnings } = emitNimService({
      ...target,
      ...place,
      name,
      image: nimImage(header.image, place),
      family: header.family,
      profile: chooseProfile(header, flags.profile?.[name]),
      files: { from: 'nimcache', name },
      serving: { port: 8000 },
    })
    return { service: { name, spec: objects[0]?.spec ?? {} }, warnings, from: cacheUrl.href }
  })
}
