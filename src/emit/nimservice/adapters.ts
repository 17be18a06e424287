import type { InventoryProfile } from '../../inventory/inventory.ts'
import type { EnvVariable, NimContainer } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import { type Adapter, isHub, parseAdapters } from '../adapters.ts'
import { loaderContract } from '../loader/contract.ts'
import { loaderEnvironment } from '../loader/env.ts'
import { requireLoaderImage } from '../loader/image.ts'
import { nimImage } from '../nim-image.ts'
import type { ImagePlace, StorePlace, Target } from '../request.ts'
import { emitted, joined, type EmitResult } from '../result.ts'
import { requireSince } from '../since.ts'
import type { LoraRequest } from './serving.ts'

interface AdaptersRequest extends Target, ImagePlace {
  lora: LoraRequest | undefined
  profile?: InventoryProfile | undefined
  /** nimctl's own image, which fetches adapters. */
  loaderImage?: string
  /** How pods reach the store of the cache, which usually is that of the adapters. */
  store?: Omit<StorePlace, 'cacheUrl'>
}

export interface AdapterFields extends EmitResult {
  env: EnvVariable[]
  initContainers: NimContainer[]
}

/** Mounted in the NIM and in its init containers alike (reference/operator.md, section 4). */
const usualPeftSource = '/model-store/loras'

/**
 * LoRA adapters: where the NIM looks for them, and an init container for each that is fetched from a store. A fetched
 * folder belongs to the pod's user and has the modes that it was uploaded with.
 *
 * @throws NimctlError `usage` / `LORA_UNSUPPORTED`, `ADAPTER_INVALID`, `LOADER_IMAGE_REQUIRED`, `OPERATOR_TOO_OLD`.
 */
export function adapterFields(request: AdaptersRequest): AdapterFields {
  const { lora, profile } = request
  if (lora === undefined || Object.keys(lora).length === 0) return { ...emitted({}), env: [], initContainers: [] }
  if (profile?.tags['feat_lora']?.toLowerCase() === 'false') throw loraUnsupported(profile)
  const { peftSource = usualPeftSource, adapters = [], refreshSeconds, maxGpuLoras, maxCpuLoras, maxRank } = lora
  if (!peftSource.startsWith('/')) throw peftSourceInvalid(peftSource)
  const settings = {
    NIM_PEFT_SOURCE: peftSource,
    NIM_PEFT_REFRESH_INTERVAL: refreshSeconds,
    NIM_MAX_GPU_LORAS: maxGpuLoras,
    NIM_MAX_CPU_LORAS: maxCpuLoras,
    NIM_MAX_LORA_RANK: maxRank,
  }
  const env = Object.entries(settings).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value: String(value) }],
  )
  const fetched = parseAdapters(adapters).map(adapter => fetchAdapter(adapter, { ...request, peftSource }))
  return {
    ...joined(...fetched),
    env,
    initContainers: fetched.map(({ container }) => container),
  }
}

function fetchAdapter(
  { name, url }: Adapter,
  request: AdaptersRequest & { peftSource: string },
): EmitResult & { container: NimContainer } {
  const { operatorVersion, store, peftSource, lora = {} } = request
  requireSince(operatorVersion, '3.1.0', {
    field: '--adapter, which needs an init container',
    next: `Fill a claim beforehand (nimctl emit loader), and say where its adapters are: --peft-source ${peftSource}`,
  })
  if (isHub(url)) throw hubUnsupported(url)
  const image = requireLoaderImage(request)
  const storeSecret = lora.adapterSecret ?? store?.storeSecret
  const uploaded = {
    ...(store?.region !== undefined && { region: store.region }),
    ...(store?.endpointUrl !== undefined && { endpointUrl: store.endpointUrl }),
    ...(store?.storeSettings !== undefined && { storeSettings: store.storeSettings }),
    ...(storeSecret !== undefined && { storeSecret }),
    cacheUrl: new URL(url),
  }
  const { env, secretName: _, secretEnv, ...surroundings } = loaderEnvironment({ ...request, uploaded })
  const { repository, tag } = nimImage(image, {})
  return {
    ...surroundings,
    container: {
      name: containerName(name),
      image: { repository, tag },
      command: [loaderContract.program],
      env: [
        ...withFlags(env, lora.adapterMemory),
        ...secretEnv,
        { name: loaderContract.targetVariable, value: `${peftSource}/${name}` },
      ],
    },
  }
}

/** The loader takes no arguments: what `nimctl download` is told more stands in a variable. */
function withFlags(env: readonly EnvVariable[], memory: string | undefined): EnvVariable[] {
  if (memory === undefined) return [...env]
  const { flags } = loaderContract.variables
  const given = env.find(({ name }) => name === flags)
  const before = given !== undefined && 'value' in given ? [given.value] : []
  return [
    ...env.filter(variable => variable !== given),
    { name: flags, value: [...before, `--memory ${memory}`].join(' ') },
  ]
}

const maxName = 63

function containerName(adapter: string): string {
  return `adapter-${adapter.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}`.slice(0, maxName).replace(/-$/, '')
}

function loraUnsupported({ id, description }: InventoryProfile): NimctlError {
  return new NimctlError('usage', 'LORA_UNSUPPORTED', {
    what: `Profile ${description ?? id} is built without LoRA.`,
    why: 'Its tag feat_lora is false: the NIM would serve no adapter with it.',
    next: 'Choose one with LoRA: nimctl profiles IMAGE --lora, and name it with --profile',
  })
}

function peftSourceInvalid(text: string): NimctlError {
  return new NimctlError('usage', 'PEFT_SOURCE_INVALID', {
    what: `"${text}" is no directory of a container.`,
    next: `Give its whole path, such as --peft-source ${usualPeftSource}`,
  })
}

/** A container of the operator's has no volume of its own for Python's packages. */
function hubUnsupported(url: string): NimctlError {
  return new NimctlError('usage', 'ADAPTER_INVALID', {
    what: `A NIMService fetches no adapter from a hub: ${url}.`,
    why: 'Its init containers run nimctl, which reads stores.',
    next: 'Upload it: nimctl upload DIR URL --layout plain; or write a pod without the operator: nimctl emit pod',
  })
}
