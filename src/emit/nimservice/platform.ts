import { isFrom, type OperatorVersion } from '../../operator/versions.ts'
import { NimctlError } from '../../system/errors.ts'
import type { ServingRequest } from './serving.ts'

/** The operator looked for another name before 3.1.0 than KServe does. */
function modeAnnotation(version: OperatorVersion): string {
  return isFrom(version, '3.1.0') ? 'serving.kserve.io/deploymentMode' : 'serving.kserve.org/deploymentMode'
}

/** KServe's own names for the mode that makes plain Deployments; the second is the older one. */
const plainModes = ['Standard', 'RawDeployment']

/**
 * The operator runs the NIM itself, or hands it to KServe. In Knative mode, KServe's default, the webhook refuses what
 * Knative does by itself (reference/operator.md, section 7).
 *
 * @throws NimctlError `usage` / `PLATFORM_CONFLICT` with the way that works.
 */
export function platformFields(
  { platform, multiNode, scale, router, metrics, container }: ServingRequest,
  version: OperatorVersion,
): { inferencePlatform?: string } {
  if (platform !== 'kserve') return platform === undefined ? {} : { inferencePlatform: platform }
  if (multiNode !== undefined)
    throw conflict(
      '--pipeline-parallel',
      'KServe serves no model over several nodes.',
      '--inference-platform standalone',
    )
  const mode = modeAnnotation(version)
  const plain = plainModes.includes(container?.annotations?.[mode] ?? '')
  const [busy] = Object.entries({ '--max-replicas': scale, '--host': router, '--service-monitor-label': metrics }).find(
    ([, request]) => request !== undefined,
  ) ?? [undefined]
  if (busy !== undefined && !plain)
    throw conflict(
      busy,
      'In Knative mode, its default, KServe scales and routes by itself, and the operator refuses these fields.',
      `--annotation ${mode}=Standard, or annotations of Knative such as --annotation autoscaling.knative.dev/max-scale=4`,
    )
  return { inferencePlatform: platform }
}

function conflict(flag: string, why: string, next: string): NimctlError {
  return new NimctlError('usage', 'PLATFORM_CONFLICT', {
    what: `${flag} and --inference-platform kserve don't go together.`,
    why,
    next: `Give ${next}`,
  })
}
