import type { V1Toleration } from '@kubernetes/client-node'
import { Command, Option } from 'commander'

import { pullPolicies, type PullPolicy } from '../../../emit/nimservice/serving.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import { environmentFrom, type EnvironmentFlags, environmentOptions } from '../../options/emit/environment.ts'
import { addGroup } from '../../options/emit/group.ts'
import { addImagePlaceOptions, imagePlaceFrom, type ImagePlaceFlags } from '../../options/emit/image-place.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { collectPair, collectQuantities } from '../../options/emit/parsers.ts'
import { addSubjectOptions, readSubject, type Subject, type SubjectFlags } from '../../options/emit/subject.ts'
import { collectLabel, collectToleration } from '../../options/pods.ts'
import { given, parseCount } from '../../options/values.ts'

interface NimBuildFlags extends SubjectFlags, ImagePlaceFlags, EnvironmentFlags, OutputFlags {
  nimcache?: string
  profile?: string
  modelName?: string
  gpus?: number
  requests?: Record<string, string>
  limits?: Record<string, string>
  label?: Record<string, string>
  annotation?: Record<string, string>
  nodeSelector?: Record<string, string>
  toleration?: V1Toleration[]
  pullPolicy?: PullPolicy
  online?: true
}

export function emitNimBuildCommand(context: Context): Command {
  const command = new Command('nimbuild')
    .summary('a NIMBuild: an engine for the GPUs of the cluster')
    .description(
      'Writes a NIMBuild, which builds a TensorRT-LLM engine from a profile that a NIMCache holds.\n' +
        'It is a stage of its own: applied before the NIMCache is Ready, it fails and stays so.',
    )
    .argument('<name>', 'of the NIMBuild')
    .option('--profile <profile>', 'to build from, where several are buildable')
    .addHelpText('after', examples)
    .action((name: string, flags: NimBuildFlags) => emitObjects(name, { flags, context }))
  addSubjectOptions(command)
  addImagePlaceOptions(command)
  addGroup(command, 'The build:', [
    new Option('--nimcache <name>', 'a NIMCache of source ngc, with its profiles named (default: of the same name)'),
    new Option('--model-name <name>', 'of the engine (default: that of the NIMBuild)'),
    new Option('--gpus <n>', "only where the profile's tags do not say it").argParser(parseCount),
    new Option('--requests <name=quantity,…>', 'such as cpu=8,memory=64Gi').argParser(collectQuantities),
    new Option('--limits <name=quantity,…>', 'such as memory=96Gi').argParser(collectQuantities),
    new Option('--online', 'the NIM may ask outside (default: it has no key, and is told to ask nobody)'),
    ...environmentOptions('of the NIM'),
    new Option('--label <key=value>', 'of the NIMBuild and its pod; may be repeated').argParser(collectLabel),
    new Option('--annotation <key=value>', 'of the NIMBuild and its pod; may be repeated').argParser(
      collectPair('team=ml'),
    ),
    new Option('--node-selector <label=value>', 'nodes it may run on; may be repeated').argParser(collectLabel),
    new Option(
      '--toleration <key[=value][:effect]>',
      'a taint it may pass over, beside nvidia.com/gpu; may be repeated',
    ).argParser(collectToleration),
    new Option('--pull-policy <policy>', '(default: IfNotPresent)').choices(pullPolicies),
  ])
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit nimbuild llama-trt --cache s3://models/llama --nimcache llama --image-registry registry.internal:5000
  nimctl emit nimbuild llama-trt --image registry.internal/nim/meta/llama:1.8.4 --manifest model_manifest.yaml \\
    --nimcache llama --profile 7b8458eb --node-selector nvidia.com/gpu.product=NVIDIA-L40S`

async function emitObjects(name: string, { flags, context }: { flags: NimBuildFlags; context: Context }) {
  const { nimImage } = await import('../../../emit/nim-image.ts')
  const { emitNimBuild } = await import('../../../emit/nimbuild.ts')
  const subject = await readSubject(flags, context)
  const place = imagePlaceFrom(flags)
  const { profile, modelName, gpus, requests, limits, nodeSelector, pullPolicy, online } = flags
  const target = await targetFrom(flags, { kind: 'nimbuild', name }, context)
  const result = emitNimBuild({
    ...target,
    ...place,
    image: nimImage(subject.image, place),
    family: subject.family,
    nimCache: flags.nimcache ?? name,
    profiles: requireProfiles(subject),
    ...given({ profile, modelName, gpus, requests, limits, nodeSelector, pullPolicy, online }),
    ...given({ labels: flags.label, annotations: flags.annotation, tolerations: flags.toleration }),
    ...given({ env: await environmentFrom(flags) }),
  })
  const origin = { name, from: subject.called }
  await deliver(result, { flags, context, target, place, sourceImage: subject.image, origin })
}

function requireProfiles({ profiles }: Subject): NonNullable<Subject['profiles']> {
  if (profiles !== undefined) return profiles
  throw new NimctlError('usage', 'PROFILE_UNCHECKED', {
    what: 'Nothing says which profiles an engine can be built from.',
    why: 'Their tags say so, and the operator fails on another one.',
    next: 'Give --cache or --inventory, or the list of the image: --manifest model_manifest.yaml',
  })
}
