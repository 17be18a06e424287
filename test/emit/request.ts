import { nimImage } from '../../src/emit/nim-image.ts'
import type { NimServiceRequest } from '../../src/emit/nimservice/nimservice.ts'
import { chooseProfile } from '../../src/emit/profile.ts'
import type { UploadedCache } from '../../src/emit/request.ts'
import type { StackRequest } from '../../src/emit/stack.ts'
import type { InventoryHeader, InventoryProfile } from '../../src/inventory/inventory.ts'

/** Profiles of one kind each: ids that YAML could take for numbers, parallelism, LoRA, a version 1 release. */
export const tensorProfile: InventoryProfile = {
  id: '0f3de1afe11d355e01657424a267fbaad19bfea3143a9879307c49aed8299db0',
  description: 'tensorrt_llm-l40s-bf16-tp2-pp2-throughput',
  model: 'meta/llama-3.2-1b-instruct',
  release: '1.10',
  tags: { feat_lora: 'false', gpu: 'L40S', gpu_device: '26b5:10de', llm_engine: 'tensorrt_llm', pp: '2', tp: '2' },
}

export const vllmProfile: InventoryProfile = {
  id: '1234567890123456789012345678901234567890123456789012345678901e12',
  tags: { llm_engine: 'vllm', precision: 'bf16', tp: '1' },
}

export const loraProfile: InventoryProfile = {
  id: 'b00cb91d3b2e5b9a2a8d1a5e0a5c0f1f6a43d2a7f9f1f9b2a7a1b5c4d3e2f100',
  tags: { feat_lora: 'true', llm_engine: 'vllm', precision: 'bf16', tp: '1' },
}

export const buildableProfile: InventoryProfile = {
  id: '7b8458eb682edb0d2a48b4019b098ba0bfbc4377aadeeaa11b346c63c7adf724',
  tags: { llm_engine: 'tensorrt_llm', trtllm_buildable: 'true', precision: 'bf16', tp: '1' },
}

/** Its tags do not say how many GPUs. */
export const uncountedProfile: InventoryProfile = {
  id: 'c0de58eb682edb0d2a48b4019b098ba0bfbc4377aadeeaa11b346c63c7adf724',
  tags: { llm_engine: 'tensorrt_llm', trtllm_buildable: 'true', precision: 'bf16' },
}

export function aHeader(changes: Partial<InventoryHeader> = {}): InventoryHeader {
  return {
    formatVersion: 1,
    kind: 'Inventory',
    tool: 'nimctl/0.1.0',
    image: 'nvcr.io/nim/meta/llama-3.2-1b-instruct:1.12.0',
    imageDigest: `sha256:${'ab'.repeat(32)}`,
    family: 'llm',
    manifestVersion: 1,
    profiles: [tensorProfile],
    models: ['nim/meta/llama-3.2-1b-instruct:hf-1'],
    layout: 'cache',
    links: 'copy',
    files: 12,
    bytes: 40 * 1024 ** 3,
    ...changes,
  }
}

/** What differs from the usual request: fields of the request, or of what was uploaded. */
export type Changes = Partial<StackRequest> & Partial<UploadedCache>

/** A stack; a NIMCache takes the same, but for what it serves. */
export function aRequest(changes: Changes = {}): StackRequest {
  const { header, cacheUrl, storeUrl, inventoryDigest, storeSecret, endpointUrl, region, ...others } = changes
  return {
    kind: 'stack',
    name: 'llama-3-2-1b-instruct',
    namespace: 'nim-service',
    uploaded: {
      header: header ?? aHeader(),
      cacheUrl: cacheUrl ?? new URL('s3://models/llama'),
      region: region ?? 'eu-central-1',
      ...(storeUrl && { storeUrl }),
      ...(inventoryDigest && { inventoryDigest }),
      ...(storeSecret && { storeSecret }),
      ...(endpointUrl && { endpointUrl }),
    },
    operatorVersion: '3.1.2',
    imageRegistry: 'registry.internal:5000/mirror',
    loaderImage: 'registry.internal:5000/nimctl:0.1.0',
    volume: {},
    serving: { replicas: 1, port: 8000 },
    ...others,
  }
}

/** A NIMService on the NIMCache of its name. */
export function aServiceRequest(
  changes: Omit<Changes, 'profile'> & Partial<Pick<NimServiceRequest, 'files'>> & { profile?: string } = {},
): NimServiceRequest {
  const { profile, files, ...others } = changes
  const { uploaded, ...request } = aRequest(others)
  return {
    ...request,
    image: nimImage(uploaded.header.image, request),
    family: uploaded.header.family,
    profile: chooseProfile(uploaded.header, profile),
    files: files ?? { from: 'nimcache', name: request.name },
  }
}

/** The same upload in layout `ngc`, as the override reads it. */
export function anNgcRequest(changes: Changes = {}): StackRequest {
  return aRequest({ header: aHeader({ layout: 'ngc' }), cacheUrl: new URL('s3://nim-bucket/'), ...changes })
}
