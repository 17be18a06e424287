import type { InventoryProfile } from '../../inventory/inventory.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import { requireSince } from '../since.ts'
import type { MultiNodeRequest, ServingRequest } from './serving.ts'

/** @throws NimctlError `usage` / `MULTI_NODE_INVALID`, `OPERATOR_TOO_OLD`. */
export function multiNodeFields(
  { multiNode }: ServingRequest,
  profile: InventoryProfile | undefined,
  version: OperatorVersion,
): { multiNode?: object } {
  if (multiNode === undefined || Object.keys(multiNode).length === 0) return {}
  const { mpiStartTimeoutMs, rayPort, computeDomain } = multiNode
  if (mpiStartTimeoutMs !== undefined && rayPort !== undefined)
    throw invalid('--mpi-start-timeout and --ray-port exclude each other.', 'A NIM starts by MPI or by Ray.')
  if (rayPort !== undefined)
    requireSince(version, '3.1.1', { field: '--ray-port', next: 'Leave it out: this version starts by MPI' })
  if (computeDomain !== undefined)
    requireSince(version, '3.1.0', { field: '--compute-domain', next: 'Leave it out, or use a newer operator' })
  return {
    multiNode: {
      backendType: 'lws',
      parallelism: { pipeline: part(multiNode, profile, 'pp'), tensor: part(multiNode, profile, 'tp') },
      ...(mpiStartTimeoutMs !== undefined && { mpi: { mpiStartTimeout: Math.ceil(mpiStartTimeoutMs / 1000) } }),
      ...(rayPort !== undefined && { ray: { rayPort } }),
      ...(computeDomain !== undefined && {
        computeDomain: computeDomain === 'create' ? { create: true } : { create: false, name: computeDomain },
      }),
    },
  }
}

/** As asked, or as the profile says. */
function part({ pipeline, tensor }: MultiNodeRequest, profile: InventoryProfile | undefined, tag: 'pp' | 'tp'): number {
  const asked = tag === 'pp' ? pipeline : tensor
  const known = Number(profile?.tags[tag])
  if (asked !== undefined && known > 0 && asked !== known)
    throw invalid(
      `The profile has ${tag} ${known}, and ${asked} was asked for.`,
      'A profile is built for one way to spread the model.',
    )
  const value = asked ?? known
  if (Number.isInteger(value) && value > 0) return value
  throw invalid(`Nothing says how the model is spread: ${tag} is unknown.`, 'The profile has no such tag.')
}

function invalid(what: string, why: string): NimctlError {
  return new NimctlError('usage', 'MULTI_NODE_INVALID', {
    what,
    why,
    next: 'Such as: --pipeline-parallel 2 --tensor-parallel 8, as the profile has pp and tp',
  })
}
