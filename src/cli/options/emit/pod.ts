import { type Command, InvalidArgumentError, Option } from 'commander'

import type { AdaptersRequest, SecretKey } from '../../../emit/pod/adapters.ts'
import type { ResourcesRequest } from '../../../emit/pod/nim-container.ts'
import type { Placement } from '../../../emit/pod/placement.ts'
import type { ProbeRequest } from '../../../emit/pod/probes.ts'
import type { UploadedCache } from '../../../emit/request.ts'
import { NimctlError } from '../../../system/errors.ts'
import type { Context } from '../../context.ts'
import { addPlacementOptions, type PlacementFlags, secretKeyParser } from '../cluster.ts'
import { collect, given, parseCount, parseDuration, parseQuantity, parseRetries } from '../values.ts'
import { readUploaded, type UploadedFlags, uploadedHeading } from './uploaded.ts'

/** Flags of kinds that write a pod themselves, where no operator fills in what is left out. */
export interface PodFlags extends PlacementFlags {
  replicas: number
  port: number
  healthPath: string
  startupTimeout: number
  cpu: string
  mem: string
  gpus?: number
  shmSize: string
  env?: Record<string, string>
}

const serviceHeading = 'Service:'
const podHeading = 'Pod:'

/** The defaults are those of the Flyte plugin for NIM, whose users expect them. */
export function addPodOptions(command: Command): Command {
  const ofService = [
    new Option('--replicas <n>', 'pods').default(1).argParser(parseCount),
    new Option('--port <n>', 'of the NIM and of its Service').default(8000).argParser(parsePort),
    new Option('--health-path <path>', 'answers 200 when the NIM serves').default('v1/health/ready'),
    new Option('--startup-timeout <duration>', 'how long the NIM may load')
      .default(parseDuration('1h'), '1h')
      .argParser(parseDuration),
  ]
  const ofPod = [
    new Option('--cpu <quantity>', 'CPUs that it asks for').default('1').argParser(parseQuantity),
    new Option('--mem <quantity>', 'memory that it asks for').default('20Gi').argParser(parseQuantity),
    new Option('--gpus <n>', "GPUs (default: from the profile's tags, else 1)").argParser(parseRetries),
    new Option('--shm-size <quantity>', 'of /dev/shm').default('16Gi').argParser(parseQuantity),
    new Option('--env <name=value>', 'a variable of the NIM; may be repeated').argParser(collectVariable),
  ]
  for (const option of ofService) command.addOption(option.helpGroup(serviceHeading))
  for (const option of ofPod) command.addOption(option.helpGroup(podHeading))
  return addPlacementOptions(command, podHeading)
}

/** What both kinds of pod are told. */
export function podFrom(flags: PodFlags): {
  replicas: number
  port: number
  probes: ProbeRequest
  resources: ResourcesRequest
  placement: Placement
  env: Record<string, string>
} {
  const { replicas, port, healthPath, startupTimeout, cpu, mem, gpus, shmSize, env = {} } = flags
  const { nodeSelector = {}, toleration = [], runtimeClass, runAs } = flags
  return {
    replicas,
    port,
    probes: { healthPath, startupSeconds: Math.ceil(startupTimeout / 1000) },
    resources: { cpu, memory: mem, shmSize, ...given({ gpus }) },
    placement: {
      nodeSelector,
      tolerations: toleration,
      ...given({ runtimeClass }),
      ...(runAs !== 'image' && { runAs }),
    },
    env,
  }
}

/** Of kinds that can do with less than an upload. */
export interface NimImageFlags extends UploadedFlags {
  nimImage?: string
}

export function addNimImageOption(command: Command): Command {
  return command.addOption(
    new Option('--nim-image <image>', 'the NIM, where no inventory says it').helpGroup(uploadedHeading),
  )
}

/** An image alone may be enough: where the files are in a claim already, or come from outside. */
export async function readUploadedIfAny(flags: NimImageFlags, context: Context): Promise<UploadedCache | undefined> {
  const { cache, inventory, nimImage } = flags
  if (nimImage !== undefined && cache === undefined && inventory === undefined) return undefined
  return await readUploaded(flags, context)
}

export interface OnlineFlags {
  online?: boolean
  ngcSecret?: SecretKey
  hfSecret?: SecretKey
}

const onlineHeading = 'Not disconnected:'

/** Flags of pods that may ask outside. */
export function addOnlineOptions(command: Command): Command {
  const options = [
    new Option('--online', 'the NIM may fetch from outside what its volume lacks'),
    new Option('--ngc-secret <name[/key]>', 'an existing Secret with the NGC key (default key: NGC_API_KEY)').argParser(
      secretKeyParser('NGC_API_KEY'),
    ),
    new Option(
      '--hf-secret <name[/key]>',
      'an existing Secret with a token of Hugging Face (default key: HF_TOKEN)',
    ).argParser(secretKeyParser('HF_TOKEN')),
  ]
  for (const option of options) command.addOption(option.helpGroup(onlineHeading))
  return command
}

export function onlineFrom({ online = false, ngcSecret, hfSecret }: OnlineFlags): {
  online: boolean
  ngcKey?: SecretKey
  hfToken?: SecretKey
} {
  return { online, ...given({ ngcKey: ngcSecret, hfToken: hfSecret }) }
}

export interface AdapterFlags {
  adapter?: string[]
  peftSource?: string
  adapterSecret?: string
  adapterMemory?: string
  adapterImage: string
}

const adapterHeading = 'LoRA:'

export function addAdapterOptions(command: Command): Command {
  const options = [
    new Option(
      '--adapter <[name=]url>',
      'an adapter that was uploaded with layout plain, or hf://NAMESPACE/NAME; may be repeated',
    ).argParser(collect),
    new Option('--adapter-secret <name>', 'with the credentials of their store (default: as --store-secret)'),
    new Option('--peft-source <path>', 'where the NIM looks for adapters').argParser(parseAbsolutePath),
    new Option('--adapter-memory <quantity>', 'memory that their download asks for').argParser(parseQuantity),
    new Option('--adapter-image <image>', 'with Python and pip, for hf://').default('python:3.12-alpine'),
  ]
  for (const option of options) command.addOption(option.helpGroup(adapterHeading))
  return command
}

export function adaptersFrom(flags: AdapterFlags): AdaptersRequest {
  const { adapter = [], peftSource, adapterMemory, adapterSecret, adapterImage } = flags
  return {
    adapters: adapter,
    hubImage: adapterImage,
    ...given({ peftSource, memory: adapterMemory, secret: adapterSecret }),
  }
}

function parsePort(text: string): number {
  const port = parseCount(text)
  if (port > 65_535) throw new InvalidArgumentError('Expected a port, 1 to 65535.')
  return port
}

function parseAbsolutePath(text: string): string {
  if (!/^\/[^:]+$/.test(text) || text.split('/').includes('..'))
    throw new InvalidArgumentError('Expected an absolute path such as /opt/nim/peft.')
  return text.replace(/\/+$/, '')
}

/** YAML is read by many. */
const secretVariable = /(?:KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$/i

function collectVariable(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('Expected a variable such as NIM_LOG_LEVEL=DEBUG.')
  if (secretVariable.test(name) && value !== '')
    throw new NimctlError('usage', 'SECRET_IN_OBJECT', {
      what: `The value of ${name} would be readable in the YAML.`,
      next: 'Keys of NGC and of Hugging Face go into Secrets that are named: --ngc-secret, --hf-secret',
    })
  return { ...before, [name]: value }
}
