import type { V1Toleration } from '@kubernetes/client-node'

import type { InventoryProfile } from '../../inventory/inventory.ts'
import { NimctlError } from '../../system/errors.ts'
import { gpuCount } from '../gpu-count.ts'
import { emitted, type EmitResult } from '../result.ts'
import type { PlacementRequest, ServingRequest } from './serving.ts'

const gpuResource = 'nvidia.com/gpu'

export interface ResourceFields extends EmitResult {
  fields: {
    resources?: { limits: Record<string, number | string>; requests: Record<string, number | string> }
    draResources?: object[]
    tolerations?: readonly V1Toleration[]
  }
}

/**
 * GPUs in both maps, since the operator writes into both where a user gave one (reference/operator.md, section 4), and
 * the toleration of the taint that GPU nodes often carry.
 *
 * @throws NimctlError `usage` / `CLAIM_NOT_SHARED`.
 */
export function resourceFields(serving: ServingRequest, profile: InventoryProfile | undefined): ResourceFields {
  const { resources = {}, placement } = serving
  const { requests, limits, claims = [], claimTemplates = [] } = resources
  if (claims.length > 0 && ((serving.replicas ?? 1) > 1 || serving.scale !== undefined)) throw claimNotShared()
  const draResources = [
    ...claims.map(resourceClaimName => ({ resourceClaimName })),
    ...claimTemplates.map(resourceClaimTemplateName => ({ resourceClaimTemplateName })),
  ]
  const gpus = gpusOf(serving, profile, draResources.length > 0)
  const counted = gpus.count > 0 ? { [gpuResource]: gpus.count } : {}
  const tolerations = tolerationsFor(placement, gpus.count > 0)
  const maps = { limits: { ...limits, ...counted }, requests: { ...requests, ...counted } }
  const isEmpty = Object.keys(maps.limits).length + Object.keys(maps.requests).length === 0
  return {
    ...emitted({
      comments: gpus.count > 0 ? [{ kind: 'NIMService', path: ['spec', 'resources'], text: `GPUs: ${gpus.why}.` }] : [],
      prerequisites: draResources.length > 0 ? ['Kubernetes 1.34 or newer, with the DRA driver of the devices'] : [],
    }),
    fields: {
      ...(!isEmpty && { resources: maps }),
      ...(draResources.length > 0 && { draResources }),
      ...(tolerations.length > 0 && { tolerations }),
    },
  }
}

/** With several nodes each pod has the GPUs of one: what `tensor` says. */
function gpusOf(
  { resources, multiNode }: ServingRequest,
  profile: InventoryProfile | undefined,
  claimed: boolean,
): { count: number; why: string } {
  if (resources?.gpus !== undefined) return { count: resources.gpus, why: 'as asked' }
  if (claimed) return { count: 0, why: '' }
  if (multiNode !== undefined) {
    const tensor = multiNode.tensor ?? (Number(profile?.tags['tp'] ?? '1') || 1)
    return { count: tensor, why: 'of each node' }
  }
  if (profile === undefined) return { count: 1, why: 'nothing is known of the profile, adapt it' }
  return { count: gpuCount(profile), why: reason(profile) }
}

function reason({ tags }: InventoryProfile): string {
  const parallelism = ['tensorParallelism', 'tp', 'pp', 'number_of_gpus']
    .filter(tag => tags[tag] !== undefined)
    .map(tag => `${tag} ${tags[tag]}`)
  return parallelism.length === 0 ? 'the profile says nothing of it' : `the profile's ${parallelism.join(', ')}`
}

/** Who says how to treat the taint has said it. */
function tolerationsFor({ tolerations = [] }: PlacementRequest = {}, onGpus: boolean): V1Toleration[] {
  const said = tolerations.some(({ key }) => key === gpuResource)
  if (!onGpus || said) return [...tolerations]
  return [...tolerations, { key: gpuResource, operator: 'Exists', effect: 'NoSchedule' }]
}

function claimNotShared(): NimctlError {
  return new NimctlError('usage', 'CLAIM_NOT_SHARED', {
    what: 'A resource claim belongs to one pod, and several were asked for.',
    why: "The operator's webhook refuses --resource-claim with more than one replica or an autoscaler.",
    next: 'Name a template, of which each pod gets a claim: --resource-claim-template NAME',
  })
}
