import { type Command, Option } from 'commander'

import type { ServingRequest } from '../../../emit/nimservice/serving.ts'
import type { Context } from '../../context.ts'
import { collect, parseCount, parseDuration, parseQuantity } from '../values.ts'
import { addGroup, named } from './group.ts'
import { collectPair, parseNumber, parsePort } from './parsers.ts'
import { proxyFrom, type ProxyFlags, proxyOptions } from './proxy.ts'
import { addServingNetworkOptions, type ServingNetworkFlags, servingNetworkFrom } from './serving-network.ts'
import { addServingPodOptions, type ServingPodFlags, servingPodFrom } from './serving-pod.ts'

export interface ServingFlags extends ServingNetworkFlags, ServingPodFlags, ProxyFlags {
  replicas?: number
  minReplicas?: number
  maxReplicas?: number
  hpaMetric?: string[]
  hpaAnnotation?: Record<string, string>
  online?: true
  authSecret?: string
  peftSource?: string
  adapter?: string[]
  adapterMemory?: string
  adapterSecret?: string
  peftRefreshInterval?: number
  maxGpuLoras?: number
  maxCpuLoras?: number
  maxLoraRank?: number
  pipelineParallel?: number
  tensorParallel?: number
  mpiStartTimeout?: number
  rayPort?: number
  computeDomain?: string
}

/** How a NIMService serves, wherever its files are. */
export function addServingOptions(command: Command): Command {
  addGroup(command, 'Pods and autoscaling:', [
    new Option('--replicas <n>', 'pods of the NIMService (default: 1)').argParser(parseNumber),
    new Option('--min-replicas <n>', 'at least, with an autoscaler (default: 1)').argParser(parseCount),
    new Option('--max-replicas <n>', 'at most: makes an autoscaler').argParser(parseCount),
    new Option(
      '--hpa-metric <[kind/]name=value>',
      'what it looks at, such as gpu_cache_usage_perc=0.5; may be repeated',
    ).argParser(collect),
    new Option('--hpa-annotation <key=value>', 'of the autoscaler; may be repeated').argParser(collectPair('team=ml')),
  ])
  addServingNetworkOptions(command)
  addGroup(command, 'Outside:', [
    new Option('--online', 'the NIM may ask outside (default: it has no key, and is told to ask nobody)'),
    new Option('--auth-secret <name>', 'an existing Secret with NGC_API_KEY; means --online'),
    ...proxyOptions(),
  ])
  addServingPodOptions(command)
  addGroup(command, 'LoRA adapters:', [
    new Option(
      '--adapter <[name=]url>',
      'uploaded with --layout plain; fetched before each start; may be repeated',
    ).argParser(collect),
    new Option('--adapter-secret <name>', 'with the credentials of their store (default: as --store-secret)'),
    new Option('--adapter-memory <quantity>', 'bytes of buffers while one is fetched').argParser(parseQuantity),
    new Option('--peft-source <dir>', 'where the NIM looks for adapters (default with --adapter: /model-store/loras)'),
    new Option('--peft-refresh-interval <duration>', 'how often it looks for new ones').argParser(parseDuration),
    new Option('--max-gpu-loras <n>', 'adapters in the memory of GPUs').argParser(parseCount),
    new Option('--max-cpu-loras <n>', 'adapters in the memory of the host').argParser(parseCount),
    new Option('--max-lora-rank <n>', 'of an adapter').argParser(parseCount),
  ])
  return addGroup(command, 'Several nodes:', [
    new Option('--pipeline-parallel <n>', 'nodes that a model is spread over').argParser(parseCount),
    new Option('--tensor-parallel <n>', "GPUs on each (default: the profile's tp)").argParser(parseCount),
    new Option('--mpi-start-timeout <duration>', 'until all of them are there').argParser(parseDuration),
    new Option('--ray-port <n>', 'starts by Ray instead of MPI (operator 3.1.1)').argParser(parsePort),
    new Option('--compute-domain <name>', 'of NVLink over nodes; create: a new one (operator 3.1.0)'),
  ])
}

/** @throws NimctlError `usage`, and what reading a file throws. */
export async function servingFrom(flags: ServingFlags, context: Context): Promise<ServingRequest> {
  const { replicas, online, authSecret } = flags
  const { peftRefreshInterval: refreshMs } = flags
  return {
    ...servingNetworkFrom(flags),
    ...(await servingPodFrom(flags, context)),
    ...(replicas !== undefined && { replicas }),
    ...named('scale', {
      minReplicas: flags.minReplicas,
      maxReplicas: flags.maxReplicas,
      metrics: flags.hpaMetric,
      annotations: flags.hpaAnnotation,
    }),
    ...named('access', { online, authSecret }),
    ...named('proxy', proxyFrom(flags)),
    ...named('lora', {
      peftSource: flags.peftSource,
      adapters: flags.adapter,
      adapterMemory: flags.adapterMemory,
      adapterSecret: flags.adapterSecret,
      refreshSeconds: refreshMs === undefined ? undefined : Math.ceil(refreshMs / 1000),
      maxGpuLoras: flags.maxGpuLoras,
      maxCpuLoras: flags.maxCpuLoras,
      maxRank: flags.maxLoraRank,
    }),
    ...named('multiNode', {
      pipeline: flags.pipelineParallel,
      tensor: flags.tensorParallel,
      mpiStartTimeoutMs: flags.mpiStartTimeout,
      rayPort: flags.rayPort,
      computeDomain: flags.computeDomain,
    }),
  }
}
