import type { V1Container, V1EnvVar, V1Volume, V1VolumeMount } from '@kubernetes/client-node'

import { restrictedContainer } from '../../kubernetes/job.ts'
import { NimctlError } from '../../system/errors.ts'
import { type Adapter, hubScheme, isHub, parseAdapters } from '../adapters.ts'
import { requireLoaderImage } from '../loader/image.ts'
import type { Target, UploadedCache } from '../request.ts'
import { emitted, joined, type EmitResult } from '../result.ts'
import { loaderContainer, scratchVolume } from './loader.ts'

/** LoRA adapters that a NIM serves beside its model. */
export interface AdaptersRequest {
  /** Where the NIM looks for them: an absolute path. */
  peftSource?: string
  /** Each `[NAME=]URL` of an adapter in a store, or `[NAME=]hf://NAMESPACE/NAME`. */
  adapters: readonly string[]
  /** With the credentials of their store. Default: that of the cache. */
  secret?: string
  /** A quantity, of what downloads them. */
  memory?: string
  /** What downloads `hf://`: an image with Python and pip. */
  hubImage: string
}

/** A key of a Secret. */
export interface SecretKey {
  name: string
  key: string
}

interface PodAdaptersRequest extends Target {
  lora: AdaptersRequest
  uploaded?: UploadedCache
  loaderImage?: string
  online: boolean
  hfToken?: SecretKey
}

/** How adapters get into the pod. */
interface PodAdapters extends EmitResult {
  volumes: V1Volume[]
  mounts: V1VolumeMount[]
  initContainers: V1Container[]
  env: V1EnvVar[]
}

/**
 * Adapters are fetched into a volume of their own, each into a folder that has its name, before the NIM starts. They
 * belong to the NIM's user, so that nobody else has to be let write there.
 *
 * @throws NimctlError `usage` / `PEFT_SOURCE_REQUIRED`, `ADAPTER_INVALID`, `ADAPTER_MEMORY_REQUIRED`, `LOADER_IMAGE_REQUIRED`.
 */
export function podAdapters(request: PodAdaptersRequest): PodAdapters {
  const { adapters, peftSource, memory } = request.lora
  const env = peftSource === undefined ? [] : [{ name: 'NIM_PEFT_SOURCE', value: peftSource }]
  if (adapters.length === 0) return { ...emitted({}), volumes: [], mounts: [], initContainers: [], env }
  const directory = requirePeftSource(request)
  if (memory === undefined)
    throw new NimctlError('usage', 'ADAPTER_MEMORY_REQUIRED', {
      what: 'How much memory the download of the adapters may take was not said.',
      why: 'The scheduler finds room for the pod by what its containers ask for, this one among them.',
      next: 'Add --adapter-memory, such as --adapter-memory 2Gi',
    })
  const found = parseAdapters(adapters)
  const fetching = { ...request, directory, memory, mount: { name: volumeName, mountPath: directory } }
  const stored = found.filter(({ url }) => !isHub(url)).map((adapter, index) => fromStore(adapter, index, fetching))
  const hubs = found.filter(({ url }) => isHub(url))
  return {
    ...joined(...stored),
    volumes: [{ name: volumeName, emptyDir: {} }, scratchVolume],
    mounts: [fetching.mount],
    initContainers: [
      ...stored.map(({ container }) => container),
      ...(hubs.length > 0 ? [fromHub(hubs, fetching)] : []),
    ],
    env,
  }
}

const volumeName = 'lora'
function requirePeftSource({ lora: { peftSource } }: PodAdaptersRequest): string {
  if (peftSource !== undefined) return peftSource
  throw new NimctlError('usage', 'PEFT_SOURCE_REQUIRED', {
    what: 'Adapters were named, but not the directory in which the NIM looks for them.',
    why: 'It reads the variable NIM_PEFT_SOURCE, and loads none where that is not set.',
    next: 'Add --peft-source, such as --peft-source /opt/nim/peft',
  })
}

interface Fetching extends PodAdaptersRequest {
  directory: string
  memory: string
  mount: V1VolumeMount
}

function fromStore({ name, url }: Adapter, index: number, request: Fetching): EmitResult & { container: V1Container } {
  const { uploaded, directory, lora } = request
  const loaderImage = requireLoaderImage(request)
  if (uploaded === undefined)
    throw new NimctlError('usage', 'ADAPTER_INVALID', {
      what: `Nothing says how to reach the store of ${url}.`,
      why: 'An adapter is fetched from the store of the cache.',
      next: 'Name the cache: --cache URL, or --inventory FILE with --store-url URL',
    })
  const { inventoryDigest: _, ...place } = uploaded
  return loaderContainer({
    ...request,
    loaderImage,
    uploaded: { ...place, storeUrl: new URL(url), ...(lora.secret !== undefined && { storeSecret: lora.secret }) },
    container: `load-adapter-${index + 1}`,
    directory: `${directory}/${name}`,
  })
}

/** Installs Hugging Face's client where the pod's user may write, and lets it fetch each repository into its folder. */
const hubScript = `set -e
pip install --quiet --no-cache-dir --target "$HOME/hub" huggingface_hub
exec env PYTHONPATH="$HOME/hub" python -c '
import sys
from huggingface_hub import snapshot_download
for name, repository in (adapter.split("=", 1) for adapter in sys.argv[2:]):
    snapshot_download(repository, local_dir=sys.argv[1] + "/" + name)
' "$@"`

function fromHub(adapters: readonly Adapter[], request: Fetching): V1Container {
  const { lora, online, hfToken, directory, memory, mount } = request
  if (!online)
    throw new NimctlError('usage', 'ADAPTER_INVALID', {
      what: `${adapters[0]?.url} lies outside, where this pod may not ask.`,
      next: 'Upload the adapter with nimctl upload DIR URL --layout plain and name that URL, or add --online',
    })
  const named = adapters.map(({ name, url }) => `${name}=${url.slice(hubScheme.length)}`)
  return {
    name: 'download-loras',
    image: lora.hubImage,
    imagePullPolicy: 'IfNotPresent',
    command: ['sh', '-c', hubScript, 'download-loras', directory, ...named],
    env: [
      { name: 'HOME', value: '/tmp' },
      ...(hfToken === undefined ? [] : [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: hfToken } }]),
    ],
    resources: { requests: { cpu: '1', memory } },
    securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
    volumeMounts: [mount, { name: scratchVolume.name, mountPath: '/tmp' }],
  }
}
