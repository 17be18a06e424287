import { Command } from 'commander'

import type { Context } from '../../context.ts'
import { emitKserveCommand } from './kserve.ts'
import { emitLoaderCommand } from './loader.ts'
import { emitNimBuildCommand } from './nimbuild.ts'
import { emitNimCacheCommand } from './nimcache.ts'
import { emitNimPipelineCommand } from './nimpipeline.ts'
import { emitNimServiceCommand } from './nimservice.ts'
import { emitPodCommand } from './pod.ts'
import { emitRunJobCommand } from './run-job.ts'
import { emitStackCommand } from './stack.ts'

export function emitCommand(context: Context): Command {
  return new Command('emit')
    .description(
      'Writes the objects that bring an uploaded cache into a cluster with the NVIDIA NIM Operator.\n' +
        'Nothing is applied. Secrets are named, never written.',
    )
    .addHelpText('after', examples)
    .addCommand(emitStackCommand(context))
    .addCommand(emitNimCacheCommand(context))
    .addCommand(emitNimServiceCommand(context))
    .addCommand(emitNimPipelineCommand(context))
    .addCommand(emitNimBuildCommand(context))
    .addCommand(emitLoaderCommand(context))
    .addCommand(emitPodCommand(context))
    .addCommand(emitKserveCommand(context))
    .addCommand(emitRunJobCommand(context))
}

const examples = `
Examples:
  nimctl emit stack llama --cache s3://models/llama --image-registry registry.internal:5000 \\
    --loader-image registry.internal:5000/tools/nimctl:0.1.0 | kubectl apply -f -
  nimctl emit nimservice --help`
