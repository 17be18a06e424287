import { Command } from 'commander'

import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { collect } from '../options/values.ts'

interface ObjectsFlags extends CheckFlags {
  filename?: string[]
  operatorVersion?: string
  imageRegistry?: string[]
  online?: true
}

export function validateObjectsCommand(context: Context): Command {
  const command = new Command('objects')
    .summary('check Kubernetes YAML')
    .description(
      'Checks objects as a cluster would take them: what the NIM Operator of a version refuses, drops or fails with, and\n' +
        'what asks outside where there is an air gap. Nothing is applied.',
    )
    .option('-f, --filename <file>', 'file, directory, kustomization.yaml, or - for stdin; may be repeated', collect)
    .option('--operator-version <version>', 'of the NIM Operator (default: the newest known)')
    .option('--image-registry <registry>', 'an internal one, with its prefix; may be repeated', collect)
    .option('--online', 'the cluster reaches the internet: say nothing of what asks outside')
    .addHelpText('after', examples)
    .action(async (flags: ObjectsFlags) => {
      const { newestOperatorRelease, parseOperatorVersion } = await import('../../operator/versions.ts')
      const { validateObjects } = await import('../../validate/objects.ts')
      const { readObjectFiles } = await import('../../validate/objects/files.ts')
      const paths = requireFiles(flags)
      const { operatorVersion, imageRegistry = [], online = false } = flags
      const version = operatorVersion === undefined ? newestOperatorRelease : parseOperatorVersion(operatorVersion)
      await runChecks(
        flags,
        context,
        async checks =>
          await validateObjects({
            target: paths.map(path => (path === '-' ? 'stdin' : path)).join(', '),
            source: await readObjectFiles(paths, () => context.readStdin()),
            operatorVersion: version,
            registries: imageRegistry.map(registry => registry.replace(/\/+$/, '')),
            online,
            checks,
            report: context.report,
          }),
        { passed: true },
      )
    })
  return addCheckOptions(command)
}

const examples = `
Examples:
  nimctl validate objects -f llama.yaml --image-registry registry.internal:5000
  nimctl validate objects -f ./manifests --operator-version 3.0.2
  nimctl emit stack llama --cache s3://models/llama --loader-image registry.internal:5000/tools/nimctl:0.1.0 | nimctl validate objects -f -`

function requireFiles({ filename }: ObjectsFlags): string[] {
  if (filename !== undefined) return filename
  throw new NimctlError('usage', 'OBJECTS_NOT_NAMED', {
    what: 'No file is named.',
    next: 'Name files or directories: nimctl validate objects -f FILE; - reads stdin.',
  })
}
