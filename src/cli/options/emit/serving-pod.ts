import type { V1Toleration } from '@kubernetes/client-node'
import { type Command, InvalidArgumentError, Option } from 'commander'

import {
  inferencePlatforms,
  probeNames,
  type ProbeName,
  pullPolicies,
  type PullPolicy,
  type ServingRequest,
} from '../../../emit/nimservice/serving.ts'
import type { Context } from '../../context.ts'
import { collectLabel, collectToleration } from '../pods.ts'
import { collect, given, parseDuration, parseServingUser, parseQuantity } from '../values.ts'
import { readContainers } from './containers.ts'
import { environmentFrom, type EnvironmentFlags, environmentOptions } from './environment.ts'
import { addGroup, named } from './group.ts'
import { collectPair, collectQuantities, parseNumber } from './parsers.ts'

export interface ServingPodFlags extends EnvironmentFlags {
  gpus?: number
  requests?: Record<string, string>
  limits?: Record<string, string>
  shmSize?: string
  resourceClaim?: string[]
  resourceClaimTemplate?: string[]
  nodeSelector?: Record<string, string>
  toleration?: V1Toleration[]
  runtimeClass?: string
  priorityClass?: string
  scheduler?: string
  pullPolicy?: PullPolicy
  command?: string[]
  arg?: string[]
  label?: Record<string, string>
  annotation?: Record<string, string>
  runAs?: { uid: number; gid: number }
  initContainer?: string[]
  sidecar?: string[]
  startupTimeout?: number
  healthPath?: string
  livePath?: string
  disableProbe?: ProbeName[]
  inferencePlatform?: (typeof inferencePlatforms)[number]
}

/** What the pods have, where they run and what in them. */
export function addServingPodOptions(command: Command): Command {
  addGroup(command, 'Resources of a pod:', [
    new Option('--gpus <n>', '(default: as the profile needs)').argParser(parseNumber),
    new Option('--requests <name=quantity,…>', 'such as cpu=8,memory=64Gi').argParser(collectQuantities),
    new Option('--limits <name=quantity,…>', 'such as memory=96Gi,rdma/rdma_shared_device_a=1').argParser(
      collectQuantities,
    ),
    new Option('--shm-size <quantity>', 'of /dev/shm, such as 16Gi').argParser(parseQuantity),
    new Option('--resource-claim <name>', 'an existing claim instead of counted GPUs (DRA); may be repeated').argParser(
      collect,
    ),
    new Option('--resource-claim-template <name>', 'of which each pod gets a claim (DRA); may be repeated').argParser(
      collect,
    ),
  ])
  addGroup(command, 'Where pods run:', [
    new Option('--node-selector <label=value>', 'nodes they may run on; may be repeated').argParser(collectLabel),
    new Option(
      '--toleration <key[=value][:effect]>',
      'a taint they may pass over, beside nvidia.com/gpu; may be repeated',
    ).argParser(collectToleration),
    new Option('--runtime-class <name>', 'such as nvidia'),
    new Option('--priority-class <name>', 'of the pods (operator 3.1.2)'),
    new Option('--scheduler <name>', "(default: the cluster's)"),
    new Option('--inference-platform <name>', 'who runs them (default: standalone, the operator)').choices(
      inferencePlatforms,
    ),
  ])
  return addGroup(command, 'What runs in a pod:', [
    new Option('--pull-policy <policy>', '(default: IfNotPresent)').choices(pullPolicies),
    new Option('--command <word>', "instead of the image's entrypoint; may be repeated").argParser(collect),
    new Option('--arg <word>', 'an argument, as --arg=--flag where it begins with -; may be repeated').argParser(
      collect,
    ),
    ...environmentOptions('of the NIM'),
    new Option('--label <key=value>', 'of the pods; may be repeated').argParser(collectLabel),
    new Option('--annotation <key=value>', 'of the pods; may be repeated').argParser(collectPair('team=ml')),
    new Option('--run-as <uid:gid>', 'who runs in them (default: 1000:2000)').argParser(parseServingUser),
    new Option(
      '--init-container <file>',
      'YAML of containers that run first; may be repeated (operator 3.1.0)',
    ).argParser(collect),
    new Option('--sidecar <file>', 'YAML of containers that run beside; may be repeated (operator 3.1.0)').argParser(
      collect,
    ),
    new Option('--startup-timeout <duration>', 'how long a start may take (default: 20m)').argParser(parseDuration),
    new Option('--health-path <path>', 'that says the NIM is ready (default: /v1/health/ready)'),
    new Option('--live-path <path>', 'that says the NIM lives (default: /v1/health/live)'),
    new Option('--disable-probe <name>', `none of this kind: ${probeNames.join(', ')}; may be repeated`).argParser(
      collectProbe,
    ),
  ])
}

function collectProbe(text: string, before: ProbeName[] | undefined): ProbeName[] {
  const name = probeNames.find(known => known === text)
  if (name === undefined) throw new InvalidArgumentError(`Expected one of ${probeNames.join(', ')}.`)
  return [...(before ?? []), name]
}

type PodPart = Pick<ServingRequest, 'resources' | 'placement' | 'container' | 'probes' | 'platform'>

/** @throws NimctlError `usage`, and what reading a file throws. */
export async function servingPodFrom(flags: ServingPodFlags, context: Context): Promise<PodPart> {
  return {
    ...named('resources', {
      gpus: flags.gpus,
      requests: flags.requests,
      limits: flags.limits,
      sharedMemory: flags.shmSize,
      claims: flags.resourceClaim,
      claimTemplates: flags.resourceClaimTemplate,
    }),
    ...named('placement', {
      nodeSelector: flags.nodeSelector,
      tolerations: flags.toleration,
      runtimeClass: flags.runtimeClass,
      priorityClass: flags.priorityClass,
      scheduler: flags.scheduler,
    }),
    ...named('container', {
      pullPolicy: flags.pullPolicy,
      command: flags.command,
      args: flags.arg,
      env: await environmentFrom(flags),
      labels: flags.label,
      annotations: flags.annotation,
      user: flags.runAs,
      initContainers: await readContainers(flags.initContainer, context),
      sidecars: await readContainers(flags.sidecar, context),
    }),
    ...named('probes', {
      startupTimeoutMs: flags.startupTimeout,
      healthPath: flags.healthPath,
      livePath: flags.livePath,
      disabled: flags.disableProbe,
    }),
    ...given({ platform: flags.inferencePlatform }),
  }
}
