import { type Command, Option } from 'commander'

import type { JobSettings, Toleration } from '../../../emit/own-job.ts'
import type { RunAs } from '../../../kubernetes/job.ts'
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

/** Flags of a Job that runs nimctl's own image, under the names that `--on kubernetes` has. */
export function addJobOptions(command: Command): Command {
  const options = [
    new Option('--pull-secret <name>', 'an existing Secret for the registry'),
    new Option('--service-account <name>', 'of the pod'),
    new Option('--node-selector <label=value>', 'nodes it may run on; may be repeated (default: Linux)').argParser(
      collectLabel,
    ),
    new Option('--toleration <key[=value][:effect]>', 'a taint it may pass over; may be repeated').argParser(
      collectToleration,
    ),
    new Option('--run-as <uid:gid[:fsgroup]>', "who runs in the pod; image: the image's own user")
      .default(operatorsUser, '1000:2000:2000')
      .argParser(parseRunAs),
    new Option('--cpu <quantity>', 'that is asked for').default('500m').argParser(parseQuantity),
    new Option('--memory <quantity>', 'that is asked for, and the limit').default('1Gi').argParser(parseQuantity),
    new Option('--ttl <duration>', 'remove the finished Job after this time (default: it stays)').argParser(
      parseDuration,
    ),
  ]
  for (const option of options) command.addOption(option.helpGroup(jobHeading))
  return command
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
