import type { InventoryProfile } from '../inventory/inventory.ts'

/**
 * GPUs that a profile needs: tensor times pipeline parallelism. The operator itself counts only `tensorParallelism` or
 * `tp`, and only from a cache's status; given explicitly it holds for every storage (reference/operator.md, section 4).
 * `number_of_gpus` stands in manifests that have no `tp` (reference/nim.md, section 3).
 */
export function gpuCount({ tags }: Pick<InventoryProfile, 'tags'>): number {
  const tensor = count(tags['tensorParallelism'] ?? tags['tp'])
  if (tensor === undefined) return count(tags['number_of_gpus']) ?? 1
  return tensor * (count(tags['pp']) ?? 1)
}

function count(tag: string | undefined): number | undefined {
  return tag !== undefined && /^[1-9]\d*$/.test(tag) ? Number(tag) : undefined
}
