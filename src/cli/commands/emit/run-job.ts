import { basename } from 'node:path'

import { Command, InvalidArgumentError, Option } from 'commander'

import type { MountRequest } from '../../../emit/loader/run-job.ts'
import type { Context } from '../../context.ts'
import { addJobOptions, jobFrom, jobHeading, type JobFlags } from '../../options/emit/job.ts'
import { addLoaderImageOption, type LoaderFlags } from '../../options/emit/loader.ts'
import { addOutputOptions, deliver, type OutputFlags, targetFrom } from '../../options/emit/output.ts'
import { collect, given, parseCount } from '../../options/values.ts'

interface RunJobFlags extends LoaderFlags, JobFlags, OutputFlags {
  config?: string
  env?: Record<string, string>
  secret?: string[]
  mountClaim?: MountRequest[]
  mountSecret?: MountRequest[]
  mountConfigMap?: MountRequest[]
  shards?: number
  parallelism?: number
}

export function emitRunJobCommand(context: Context): Command {
  const command = new Command('run-job')
    .summary('a Job that runs a command line of nimctl')
    .description(
      "Writes a Job that runs a command line of nimctl in nimctl's own image, again after what may pass by itself.\n" +
        'With --shards it is an Indexed Job, whose pods find their index in the command line.',
    )
    .argument('<name>', 'of the Job')
    .argument('<command...>', 'of nimctl, behind --')
    .addHelpText('after', examples)
    .action((name: string, words: string[], flags: RunJobFlags) => emitObjects(name, words, { flags, context }))
  const options = [
    new Option('--shards <n>', 'pods of an Indexed Job; the command has $(JOB_COMPLETION_INDEX)').argParser(parseCount),
    new Option('--parallelism <n>', 'of them, how many run at a time (default: all)').argParser(parseCount),
    new Option('--env <name=value>', 'a variable that is no secret; may be repeated').argParser(collectVariable),
    new Option('--secret <name>', 'an existing Secret whose entries become variables; may be repeated').argParser(
      collect,
    ),
    new Option('--config <file>', 'a file that the pod finds in /etc/nimctl, by a ConfigMap'),
    new Option('--mount-claim <name=path>', 'an existing PersistentVolumeClaim; may be repeated').argParser(
      collectMount('claim'),
    ),
    new Option('--mount-secret <name=path>', 'an existing Secret as files; may be repeated').argParser(
      collectMount('secret'),
    ),
    new Option('--mount-config-map <name=path>', 'an existing ConfigMap as files; may be repeated').argParser(
      collectMount('config-map'),
    ),
  ]
  addLoaderImageOption(command)
  addJobOptions(command)
  for (const option of options) command.addOption(option.helpGroup(jobHeading))
  return addOutputOptions(command)
}

const examples = `
Examples:
  nimctl emit run-job fetch --loader-image registry.internal:5000/tools/nimctl:0.1.0 --secret s3 --mount-claim models=/data \\
    -- download s3://models/llama /data/llama
  nimctl emit run-job check --loader-image registry.internal:5000/tools/nimctl:0.1.0 --secret s3 --shards 4 \\
    -- validate store 's3://models/part-$(JOB_COMPLETION_INDEX)'`

function collectVariable(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined) throw new InvalidArgumentError('Expected NAME=VALUE.')
  return { ...before, [name]: value }
}

function collectMount(kind: MountRequest['kind']) {
  return (text: string, before: MountRequest[] | undefined): MountRequest[] => {
    const [, name, path] = /^([^=]+)=(\/.*)$/.exec(text) ?? []
    if (name === undefined || path === undefined)
      throw new InvalidArgumentError('Expected NAME=/PATH, such as models=/data.')
    return [...(before ?? []), { kind, name, path }]
  }
}

async function emitObjects(
  name: string,
  words: string[],
  { flags, context }: { flags: RunJobFlags; context: Context },
): Promise<void> {
  const { emitRunJob } = await import('../../../emit/loader/run-job.ts')
  const { mountClaim = [], mountSecret = [], mountConfigMap = [], config } = flags
  const { loaderImage, pullSecret, shards, parallelism } = flags
  const target = await targetFrom(flags, { kind: 'run-job', name }, context)
  const result = emitRunJob({
    ...target,
    ...given({ loaderImage, pullSecret, shards, parallelism }),
    command: words,
    env: flags.env ?? {},
    secrets: flags.secret ?? [],
    mounts: [...mountClaim, ...mountSecret, ...mountConfigMap],
    ...(config !== undefined && { configuration: await readConfiguration(config) }),
    job: jobFrom(flags),
  })
  await deliver(result, { flags, context, target, origin: { name, from: `nimctl ${words.join(' ')}` } })
}

async function readConfiguration(path: string): Promise<{ name: string; text: string }> {
  const { readInputFile } = await import('../../options/emit/input-file.ts')
  return { name: basename(path), text: readInputFile(path, '--config') }
}
