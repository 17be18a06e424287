import { Command } from 'commander'

import type { UploadedCache } from '../../../emit/request.ts'
import type { InventoryProfile } from '../../../inventory/inventory.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addLoaderImageOption } from '../../options/emit/loader.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { addServingFilesOptions, servedFilesFrom, type ServingFilesFlags } from '../../options/emit/serving-files.ts'
import { addServingOptions, servingFrom, type ServingFlags } from '../../options/emit/serving.ts'
import { addSubjectOptions, readSubject, type Subject, type SubjectFlags } from '../../options/emit/subject.ts'
import { storeInCluster } from '../../options/emit/uploaded.ts'
import { given } from '../../options/values.ts'

interface NimServiceFlags extends SubjectFlags, ImagePlaceFlags, ServingFilesFlags, ServingFlags, OutputFlags {
  profile?: string
  loaderImage?: string
}

export function emitNimServiceCommand(context: Context): Command {
  const command = new Command('nimservice')
    .summary('a NIMService on files that are there')
    .description(
      'Writes a NIMService: on the NIMCache of the same name, a claim, a new directory or a directory of the nodes.\n' +
        'It has no key and asks nobody outside, unless --online or --auth-secret says so.',
    )
    .argument('<name>', 'of the NIMService')
    .option('--profile <profile>', 'to serve, where there are several')
    .addHelpText('after', examples)
    .action((name: string, flags: NimServiceFlags) => emitObjects(name, { flags, context }))
  addSubjectOptions(command)
  addImagePlaceOptions(command)
  addLoaderImageOption(command)
  addServingFilesOptions(command)
  addServingOptions(command)
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit nimservice llama --cache s3://models/llama --claim models
  nimctl emit nimservice llama --image registry.internal/nim/meta/llama:1.8.4 --manifest model_manifest.yaml \\
    --profile 0494aafc --max-replicas 4 --hpa-metric gpu_cache_usage_perc=0.5
  nimctl emit nimservice llama --cache s3://models/llama --adapter s3://models/loras/support --max-gpu-loras 8 \\
    --loader-image registry.internal/tools/nimctl:0.1.0
  nimctl emit nimservice llama --cache s3://models/llama --host llama.example.com --gateway istio-system/inside`

async function emitObjects(name: string, { flags, context }: { flags: NimServiceFlags; context: Context }) {
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { emitNimService } = await import('../../../emit/nimservice/nimservice.ts')
  const subject = await readSubject(flags, context)
  const place = imagePlaceFrom(flags)
  const target = await targetFrom(flags, { kind: 'nimservice', name }, context)
  const { uploaded, family } = subject
  const result = emitNimService({
    ...target,
    ...place,
    ...given({
      loaderImage: flags.loaderImage,
      readOnly: flags.readOnly,
      store: adapterStore(uploaded, { flags, context }),
    }),
    image: nimImage(subject.image, place),
    family,
    profile: await servedProfile(subject, flags.profile),
    files: await servedFilesFrom(flags, { name, bytes: uploaded?.header.bytes }),
    serving: await servingFrom(flags, context),
  })
  const origin = { name, from: subject.called }
  await deliver(result, { flags, context, target, place, sourceImage: subject.image, origin })
}

/** All adapters are in one kind of store; where it is that of the cache, it is reached as that is. */
function adapterStore(
  uploaded: UploadedCache | undefined,
  { flags, context }: { flags: NimServiceFlags; context: Context },
): Omit<UploadedCache, 'header' | 'cacheUrl'> {
  const [first = ''] = flags.adapter ?? []
  const protocol = /^(?:[^=/:]+=)?([a-z0-9]+:)/.exec(first)?.[1] ?? ''
  const same = uploaded !== undefined && (uploaded.storeUrl ?? uploaded.cacheUrl).protocol === protocol
  return same ? uploaded : storeInCluster(flags, context, protocol)
}

/** @throws NimctlError `usage` / `PROFILE_UNCHECKED`, and what finding one throws. */
async function servedProfile(
  { uploaded, profiles }: Subject,
  wanted: string | undefined,
): Promise<InventoryProfile | undefined> {
  if (uploaded !== undefined) {
    const { chooseProfile } = await import('../../../emit/profile.ts')
    return chooseProfile(uploaded.header, wanted)
  }
  if (wanted === undefined) return undefined
  if (profiles !== undefined) {
    const { findProfile } = await import('../../../profiles/find-profile.ts')
    return findProfile(profiles, wanted)
  }
  const { isProfileId } = await import('../../../profiles/profile-id.ts')
  if (isProfileId(wanted)) return { id: wanted, tags: {} }
  throw new NimctlError('usage', 'PROFILE_UNCHECKED', {
    what: `"${wanted}" is no whole id, and nothing says which profiles there are.`,
    next: 'Give all of the id, or the list with --manifest FILE: nimctl profiles IMAGE --json > profiles.json',
  })
}
