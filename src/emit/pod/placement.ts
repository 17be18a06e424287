import type { V1PodSpec, V1Toleration } from '@kubernetes/client-node'

import { gpuToleration, podSecurity, type RunAs } from '../../kubernetes/job.ts'
import type { ImagePlace } from '../request.ts'

/** Where a pod may run, and as whom. */
export interface Placement {
  nodeSelector: Record<string, string>
  tolerations: V1Toleration[]
  runtimeClass?: string
  /** Absent: the image's own user. */
  runAs?: RunAs
}

/** What stands in every pod of a NIM beside its containers: restricted, and on nodes with GPUs. */
export function placedPod({ placement, pullSecret }: Pick<ImagePlace, 'pullSecret'> & { placement: Placement }) {
  const { nodeSelector, runtimeClass, runAs } = placement
  const tolerated = placement.tolerations.some(({ key }) => key === gpuToleration.key)
  return {
    automountServiceAccountToken: false,
    // A Service called `nim` would set variables that begin with NIM_.
    enableServiceLinks: false,
    ...(pullSecret !== undefined && { imagePullSecrets: [{ name: pullSecret }] }),
    securityContext: podSecurity(runAs),
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    tolerations: [...placement.tolerations, ...(tolerated ? [] : [gpuToleration])],
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
  } satisfies Partial<V1PodSpec>
}
