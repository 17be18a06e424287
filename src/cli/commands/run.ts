import { basename, dirname, join, resolve } from 'node:path'

import { Argument, Command, InvalidArgumentError, Option } from 'commander'

import type { Config, ModelConfig, StepName } from '../../pipeline/config/schema.ts'
import type { RunRequest } from '../../pipeline/run/run.ts'
import type { Context } from '../context.ts'
import { configFile } from '../options/place.ts'
import { addStoreOptions, type StoreFlags } from '../options/store.ts'
import { openToolbox } from '../options/toolbox.ts'
import { collect, parseCount, parseDuration, parseSize } from '../options/values.ts'
import { renderRun } from '../render/run.ts'

interface RunFlags extends StoreFlags {
  only?: string[]
  shard?: { index: number; count: number }
  locked?: true
  update?: true
  keepGoing?: true
  parallel?: number
  maxDisk?: number
  rate: number
  directory?: string
  dryRun?: true
}

const steps = ['mirror', 'profiles', 'cache', 'upload', 'validate', 'emit'] as const satisfies readonly StepName[]

export function runCommand(context: Context): Command {
  const command = new Command('run')
    .description(
      'Brings every model of nimctl.yaml where the file wants it. The destinations are asked first: what lies there as\n' +
        'nimctl.lock says is neither mirrored, nor downloaded, nor sent again. The same command goes on after any interruption.',
    )
    .addArgument(new Argument('[step...]', 'these steps alone (default: all)').choices(steps))
    .option('--only <model>', 'this model; may be repeated', collect)
    .addOption(
      new Option(
        '--shard <i/n>',
        'one of n parts of the models, counted from 0 or from 1: for several machines',
      ).argParser(parseShard),
    )
    .addOption(new Option('--locked', 'what nimctl.lock says, or fail').conflicts('update'))
    .option('--update', 'ask images and choices anew, and take over what changed')
    .option('--keep-going', 'go on with the others when a model fails')
    .addOption(new Option('--parallel <n>', 'models at once (default: run.parallel, else 2)').argParser(parseCount))
    .addOption(
      new Option(
        '--max-disk <size>',
        'bytes of all caches on this disk; each is removed once it is in the stores (default: run.maxDisk)',
      ).argParser(parseSize),
    )
    .addOption(
      new Option('--rate <size>', 'bytes a second, for the hours of a plan')
        .default(100 * 2 ** 20, '100Mi')
        .argParser(parseSize),
    )
    .option('--directory <dir>', 'where caches and nimctl.lock lie (default: where nimctl.yaml lies)')
    .option('--dry-run', 'say what would be done and change nothing')
    .addHelpText('after', examples)
    .action((named: StepName[], flags: RunFlags) => runAll(named, flags, context))
  return addStoreOptions(command)
}

const examples = `
Examples:
  nimctl run --dry-run
  nimctl run --keep-going --json
  nimctl run mirror profiles --only llama
  nimctl run --locked --shard 1/4 --max-disk 500Gi
  nimctl emit run-job models --shards 4 --loader-image registry.internal:5000/tools/nimctl:0.1.0 --secret keys \\
    --config nimctl.yaml -- run --config /etc/nimctl/nimctl.yaml --shard '$(JOB_COMPLETION_INDEX)/4'`

async function runAll(named: readonly StepName[], flags: RunFlags, context: Context): Promise<void> {
  const { readConfig } = await import('../../pipeline/config/read.ts')
  const { run } = await import('../../pipeline/run/run.ts')
  const file = configFile(flags, context)
  const config = await readConfig(file, context.env)
  const result = await run(requestFrom(config, { file, named, flags, context }))
  context.print('RunResult', result, () => renderRun(result))
}

interface Asked {
  file: string
  named: readonly StepName[]
  flags: RunFlags
  context: Context
}

function requestFrom(config: Config, { file, named, flags, context }: Asked): RunRequest {
  const { only, shard, rate } = flags
  const home = flags.directory === undefined ? dirname(resolve(file)) : resolve(flags.directory)
  const maxDisk = flags.maxDisk ?? (config.run?.maxDisk === undefined ? undefined : parseSize(config.run.maxDisk))
  const timeouts = Object.entries(config.run?.timeouts ?? {})
  return {
    config,
    lockFile: lockFileOf(file, home),
    directoryOf: (model: ModelConfig) => resolve(home, model.cache?.directory ?? join('caches', model.name)),
    steps: named.length === 0 ? steps : named,
    ...(only !== undefined && { only }),
    ...(shard !== undefined && { shard }),
    frozen: flags.locked === true,
    update: flags.update === true,
    keepGoing: flags.keepGoing === true,
    dryRun: flags.dryRun === true,
    parallel: flags.parallel ?? config.run?.parallel ?? 2,
    ...(maxDisk !== undefined && { maxDisk }),
    timeoutsMs: Object.fromEntries(timeouts.map(([step, text]) => [step, parseDuration(text)])),
    ratePerSecond: rate,
    toolbox: openToolbox({ config: resolve(file), flags, context }),
    signal: context.signal,
    report: context.report,
  }
}

/** `nimctl.lock` for `nimctl.yaml`. */
export function lockFileOf(file: string, directory = dirname(resolve(file))): string {
  return join(directory, `${basename(file).replace(/\.ya?ml$/, '')}.lock`)
}

function parseShard(text: string): { index: number; count: number } {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text) ?? []
  const shard = { index: Number(index), count: Number(count) }
  if (shard.count >= 1 && shard.index <= shard.count) return shard
  throw new InvalidArgumentError('Expected a part and how many there are, such as 1/4.')
}
