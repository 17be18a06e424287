import type { V1EnvVar, V1Toleration } from '@kubernetes/client-node'
import { InvalidArgumentError, Option, type Command } from 'commander'

import type { Cluster } from '../../kubernetes/cluster.ts'
import type { PodSettings, RunAs } from '../../kubernetes/job.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { proxySettings } from '../settings.ts'
import { type EngineFlags, containerSettings } from './engine.ts'
import { collectLabel, collectToleration, operatorsUser, parseRunAs } from './pods.ts'
import { parseDuration } from './values.ts'

export interface ClusterFlags {
  namespace?: string
  context?: string
  kubeconfig?: string
  serviceAccount?: string
  nodeSelector?: Record<string, string>
  toleration?: V1Toleration[]
  runtimeClass?: string
  runAs: RunAs | 'image'
  pullSecret?: string
  ngcSecret?: { name: string; key: string }
  podRunningTimeout: number
  output?: 'yaml' | 'json'
}

const heading = 'Cluster (--on kubernetes):'

/** Which cluster a command asks. */
export type ClusterPlaceFlags = Pick<ClusterFlags, 'namespace' | 'context' | 'kubeconfig'>

/** Flags of commands that ask a cluster, which is found as kubectl finds it. */
export function addClusterPlaceOptions(command: Command, group: string, what: string): Command {
  const options = [
    new Option('-n, --namespace <name>', `${what} (default: the context's)`),
    new Option('--context <name>', 'of the kubeconfig (default: the current one)'),
    new Option('--kubeconfig <file>', 'instead of KUBECONFIG and ~/.kube/config'),
  ]
  for (const option of options) command.addOption(option.helpGroup(group))
  return command
}

/** Where a pod runs and as whom, as {@link addPlacementOptions} declares it. */
export type PlacementFlags = Pick<ClusterFlags, 'nodeSelector' | 'toleration' | 'runtimeClass' | 'runAs'>

/** Flags of what makes pods, at once or as YAML. */
export function addPlacementOptions(command: Command, group: string): Command {
  const options = [
    new Option('--node-selector <label=value>', 'nodes it may run on; may be repeated').argParser(collectLabel),
    new Option('--toleration <key[=value][:effect]>', 'a taint it may pass over; may be repeated').argParser(
      collectToleration,
    ),
    new Option('--runtime-class <name>', 'such as nvidia'),
    new Option('--run-as <uid:gid[:fsgroup]>', "who runs in the pod; image: the image's own user")
      .default(operatorsUser, '1000:2000:2000')
      .argParser(parseRunAs),
  ]
  for (const option of options) command.addOption(option.helpGroup(group))
  return command
}

/** Flags of commands that run Jobs. */
export function addClusterOptions(command: Command): Command {
  addClusterPlaceOptions(command, heading, 'of the Job')
  command.addOption(new Option('--service-account <name>', 'of the pod').helpGroup(heading))
  addPlacementOptions(command, heading)
  const options = [
    new Option('--pull-secret <name>', "an existing Secret for the image's registry"),
    new Option('--ngc-secret <name[/key]>', 'an existing Secret with the NGC key (default key: NGC_API_KEY)').argParser(
      secretKeyParser('NGC_API_KEY'),
    ),
    new Option('--pod-running-timeout <duration>', 'how long a pod may be stuck before that is an error')
      .default(parseDuration('5m'), '5m')
      .argParser(parseDuration),
    new Option('-o, --output <form>', 'with --dry-run: form of the objects').choices(['yaml', 'json']),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** For Secrets that are referred to by name and key. @param usualKey where the key is left out. */
export function secretKeyParser(usualKey: string): (text: string) => { name: string; key: string } {
  return text => {
    const [, name, key = usualKey] = /^([a-z0-9][a-z0-9.-]*)(?:\/([\w.-]+))?$/.exec(text) ?? []
    if (name === undefined)
      throw new InvalidArgumentError(`Expected a name and a key such as nvidia-nim-secrets/${usualKey}.`)
    return { name, key }
  }
}

/** Loads the client library. */
export async function openFlaggedCluster(flags: ClusterPlaceFlags, { env }: Context): Promise<Cluster> {
  const { openCluster } = await import('../../kubernetes/client.ts')
  const { namespace, context, kubeconfig } = flags
  return await openCluster({
    inCluster: Boolean(env.KUBERNETES_SERVICE_HOST),
    ...proxySettings(env),
    ...(kubeconfig !== undefined && { explicit: kubeconfig }),
    ...(env.KUBECONFIG && { list: env.KUBECONFIG }),
    ...(env.HOME && { home: env.HOME }),
    ...(namespace !== undefined && { namespace }),
    ...(context !== undefined && { context }),
  })
}

/** Where a pod runs and as whom. */
export function podSettings(flags: ClusterFlags & EngineFlags): PodSettings {
  const { serviceAccount, pullSecret, nodeSelector = {}, toleration = [], runtimeClass, gpus, shmSize, runAs } = flags
  return {
    nodeSelector,
    tolerations: toleration,
    ...(serviceAccount !== undefined && { serviceAccount }),
    ...(pullSecret !== undefined && { pullSecret }),
    ...(runtimeClass !== undefined && { runtimeClass }),
    ...(gpus !== undefined && { gpus: parseGpuCount(gpus) }),
    ...(shmSize !== undefined && { shmSize }),
    ...(runAs !== 'image' && { runAs }),
  }
}

/** The scheduler counts GPUs; which ones, it does not let anybody choose. */
function parseGpuCount(gpus: string): number {
  if (/^\d+$/.test(gpus)) return Number(gpus)
  throw new NimctlError('usage', 'GPU_COUNT_INVALID', {
    what: `"${gpus}" is no number of GPUs.`,
    why: 'Kubernetes gives a pod a number of them: the limit nvidia.com/gpu.',
    next: 'Such as: --gpus 1',
  })
}

/** The NGC key by reference, then what `--env` says. A secret's value has no place in an object that others may read. */
export function podEnvironment(flags: ClusterFlags & EngineFlags, context: Context): V1EnvVar[] {
  const { ngcSecret } = flags
  const variables = Object.entries(containerSettings(flags, context).env).map(([name, value]) => {
    if (typeof value === 'string') return { name, value }
    throw new NimctlError('usage', 'SECRET_IN_OBJECT', {
      what: `The value of ${name} would be readable in the Job.`,
      next: 'Put the NGC key into a Secret and name it: --ngc-secret NAME/KEY',
    })
  })
  const key = ngcSecret && { name: 'NGC_API_KEY', valueFrom: { secretKeyRef: ngcSecret } }
  return [...(key === undefined ? [] : [key]), ...variables]
}

/** @throws NimctlError `usage` / `CLUSTER_FLAGS_IDLE`, `ENGINE_FLAGS_IDLE` for flags of the other place. */
export function refuseFlagsOfOtherPlace(flags: ClusterFlags & EngineFlags & { user?: string }): void {
  const { on, runtime, network, user } = flags
  if (on === 'kubernetes') {
    const idle = given({ '--runtime': runtime, '--network': network, '--user': user })
    if (idle.length === 0) return
    throw new NimctlError('usage', 'ENGINE_FLAGS_IDLE', {
      what: `${idle.join(', ')} only matter where Docker runs the container.`,
      next: 'In a cluster these are --runtime-class and --run-as.',
    })
  }
  const { namespace, context, kubeconfig, serviceAccount, nodeSelector, toleration, runtimeClass } = flags
  const idle = given({
    '--namespace': namespace,
    '--context': context,
    '--kubeconfig': kubeconfig,
    '--service-account': serviceAccount,
    '--node-selector': nodeSelector,
    '--toleration': toleration,
    '--runtime-class': runtimeClass,
    '--pull-secret': flags.pullSecret,
    '--ngc-secret': flags.ngcSecret,
    '--output': flags.output,
  })
  if (idle.length === 0) return
  throw new NimctlError('usage', 'CLUSTER_FLAGS_IDLE', {
    what: `${idle.join(', ')} only matter in a cluster.`,
    next: 'Add --on kubernetes, or leave them out.',
  })
}

function given(flags: Record<string, unknown>): string[] {
  return Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
}
