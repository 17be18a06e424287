import { Command } from 'commander'

import type { DownloadSource } from '../../../emit/nimcache/download.ts'
import type { NimCachePlace } from '../../../emit/nimcache/object.ts'
import type { CacheSource } from '../../../emit/nimcache/source.ts'
import type { EmitResult } from '../../../emit/result.ts'
import type { ProfileChoice } from '../../../profiles/choice.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import type { ChoiceFlags } from '../../options/choice.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addNimCacheJobOptions, nimCacheJobFrom, type NimCacheJobFlags } from '../../options/emit/nimcache-job.ts'
import {
  addNimCacheSourceOptions,
  isDownload,
  isHub,
  type NimCacheSourceFlags,
  refuseDownloadFlags,
  refuseIgnored,
} from '../../options/emit/nimcache-source.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addSubjectOptions, readSubject, type Subject, type SubjectFlags } from '../../options/emit/subject.ts'
import { addOperatorVolumeOptions, type VolumeFlags, volumeFrom } from '../../options/emit/volume.ts'
import { given } from '../../options/values.ts'

interface NimCacheFlags
  extends SubjectFlags, ChoiceFlags, ImagePlaceFlags, NimCacheSourceFlags, VolumeFlags, NimCacheJobFlags, OutputFlags {}

export function emitNimCacheCommand(context: Context): Command {
  const command = new Command('nimcache')
    .summary('a NIMCache that fills itself')
    .description(
      'Writes a NIMCache that fills itself: from what was uploaded (with its ConfigMap where the loader needs one),\n' +
        'from NGC, from Hugging Face or from a NeMo Data Store.',
    )
    .argument('<name>', 'of the NIMCache')
    .addHelpText('after', examples)
    .action((name: string, flags: NimCacheFlags) => emitObjects(name, { flags, context }))
  addSubjectOptions(command)
  addNimCacheSourceOptions(command)
  addImagePlaceOptions(command)
  addOperatorVolumeOptions(command)
  addNimCacheJobOptions(command)
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit nimcache llama --cache s3://models/llama --loader-image registry.internal/tools/nimctl:0.1.0
  nimctl emit nimcache llama --cache s3://nim-mirror/ --profile 0494aafc
  nimctl emit nimcache llama --source ngc --image nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 \\
    --manifest model_manifest.yaml --gpu L40S --tp 2 --auth-secret ngc-api-secret --size 100Gi \\
    --https-proxy http://proxy.internal:3128 --noproxy .svc,10.0.0.0/8 --proxy-ca-config-map proxy-ca
  nimctl emit nimcache qwen --source hf --model Qwen/Qwen2.5-7B-Instruct --revision main --size 40Gi \\
    --model-puller nvcr.io/nim/nvidia/llm-nim:1.12 --auth-secret hf-secret --pull-secret registry`

async function emitObjects(name: string, { flags, context }: { flags: NimCacheFlags; context: Context }) {
  const { readChoice } = await import('../../options/choice.ts')
  refuseIgnored(flags)
  const target = await targetFrom(flags, { kind: 'nimcache', name }, context)
  const imagePlace = imagePlaceFrom(flags)
  const place: NimCachePlace = {
    ...target,
    ...imagePlace,
    volume: volumeFrom(flags),
    nimCacheJob: await nimCacheJobFrom(flags, context),
  }
  const choice = await readChoice(flags, context)
  const subject = await readSubject(flags, context, !isHub(flags.source))
  const source = flags.source ?? (subject.uploaded === undefined ? 'ngc' : undefined)
  const result = isDownload(source)
    ? await downloaded({ ...place, source, choice }, { flags, subject })
    : await uploaded({ ...place, choice, ...given({ source }) }, { flags, subject })
  const origin = { name, from: flags.model ?? flags.dataset ?? subject.called }
  await deliver(result, { flags, context, target, place: imagePlace, sourceImage: subject.image, origin })
}

interface Read {
  flags: NimCacheFlags
  subject: Subject
}

type Chosen = NimCachePlace & { choice: ProfileChoice }

async function downloaded(request: Chosen & { source: DownloadSource }, { flags, subject }: Read): Promise<EmitResult> {
  const { emitNimCacheDownload } = await import('../../../emit/nimcache/download.ts')
  const { model, dataset, revision, endpoint, modelEndpoint, modelPuller, authSecret } = flags
  return emitNimCacheDownload({
    ...request,
    known: given({ profiles: subject.profiles, parser: subject.parser }),
    modelPuller: modelPuller ?? subject.image,
    authSecret,
    ...given({ model, dataset, revision, endpoint, modelEndpoint }),
  })
}

async function uploaded(request: Chosen & { source?: CacheSource }, { flags, subject }: Read): Promise<EmitResult> {
  const { emitNimCache } = await import('../../../emit/nimcache/nimcache.ts')
  refuseDownloadFlags(flags)
  if (subject.uploaded !== undefined)
    return emitNimCache({ ...request, uploaded: subject.uploaded, ...given({ loaderImage: flags.loaderImage }) })
  throw new NimctlError('usage', 'EMIT_SOURCE', {
    what: `--source ${request.source} fills a NIMCache from what was uploaded, and nothing says what.`,
    next: 'Add --cache URL, or --inventory FILE with --store-url URL.',
  })
}
