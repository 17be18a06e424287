import { type Command, Option } from 'commander'

import type { JobSettings, Toleration } from '../../../emit/loader/own-job.ts'
import type { RunAs } from '../../../kubernetes/job.ts'
import { NimctlError } from '../../../system/errors.ts'
import { collectLabel, collectToleration, operatorsUser, parseRunAs } from '../pods.ts'
import { given, parseDuration, parseQuantity } from '../values.ts'

export interface JobFlags {
  pullSecret?: string
  serviceAccount?: string
  nodeSelector?: Record<string, string>
  toleration?: Toleration[]
  runAs: RunAs | 'image'
  cpu: string
  memory: string
  ttl?: number
}

export const jobHeading = 'Job:'

/** Where a command writes more than the Job, its flags begin with `--loader-`. */
export type LoaderJobFlags = {
  [Flag in Exclude<keyof JobFlags, 'pullSecret'> as `loader${Capitalize<Flag>}`]: JobFlags[Flag]
}

/** Flags of a Job that runs nimctl's own image, under the names that `--on kubernetes` has. */
export function addJobOptions(command: Command): Command {
  command.addOption(new Option('--pull-secret <name>', 'an existing Secret for the registry').helpGroup(jobHeading))
  for (const option of jobOptions('')) command.addOption(option.helpGroup(jobHeading))
  return command
}

/** The same for a Job beside other objects. */
export function addLoaderJobOptions(command: Command): Command {
  for (const option of jobOptions('loader-')) command.addOption(option.helpGroup('With --loader job:'))
  return command
}

function jobOptions(prefix: string): Option[] {
  return [
    new Option(`--${prefix}service-account <name>`, 'of the pod'),
    new Option(
      `--${prefix}node-selector <label=value>`,
      'nodes it may run on; may be repeated (default: Linux)',
    ).argParser(collectLabel),
    new Option(`--${prefix}toleration <key[=value][:effect]>`, 'a taint it may pass over; may be repeated').argParser(
      collectToleration,
    ),
    new Option(`--${prefix}run-as <uid:gid[:fsgroup]>`, "who runs in the pod; image: the image's own user")
      .default(operatorsUser, '1000:2000:2000')
      .argParser(parseRunAs),
    new Option(`--${prefix}cpu <quantity>`, 'that is asked for').default('500m').argParser(parseQuantity),
    new Option(`--${prefix}memory <quantity>`, 'that is asked for, and the limit')
      .default('1Gi')
      .argParser(parseQuantity),
    new Option(`--${prefix}ttl <duration>`, 'remove the finished Job after this time (default: it stays)').argParser(
      parseDuration,
    ),
  ]
}

export function jobFrom({ serviceAccount, nodeSelector, toleration, runAs, cpu, memory, ttl }: JobFlags): JobSettings {
  return {
    cpu,
    memory,
    ...given({
      serviceAccount,
      nodeSelector,
      tolerations: toleration,
      runAs: runAs === 'image' ? undefined : runAs,
      ttlSeconds: ttl === undefined ? undefined : Math.round(ttl / 1000),
    }),
  }
}

export function loaderJobFrom(flags: LoaderJobFlags): JobSettings {
  return jobFrom({
    runAs: flags.loaderRunAs,
    cpu: flags.loaderCpu,
    memory: flags.loaderMemory,
    ...given({
      serviceAccount: flags.loaderServiceAccount,
      nodeSelector: flags.loaderNodeSelector,
      toleration: flags.loaderToleration,
      ttl: flags.loaderTtl,
    }),
  })
}

/** @throws NimctlError `usage` / `LOADER_FLAGS_IDLE` where flags of the Job were given and none is written. */
export function refuseIdleJobFlags(command: Command): void {
  const given = command.options
    .filter(({ long }) => jobFlags.includes(long ?? ''))
    .filter(option => command.getOptionValueSource(option.attributeName()) === 'cli')
  if (given.length === 0) return
  throw new NimctlError('usage', 'LOADER_FLAGS_IDLE', {
    what: `${given.map(({ long }) => long).join(', ')} only matter for a Job of the loader's own.`,
    next: 'Add --loader job, or leave them out.',
  })
}

const jobFlags = jobOptions('loader-').map(({ long }) => long ?? '')
