import type { V1Toleration } from '@kubernetes/client-node'

import { checkReferredName } from '../../operator/names.ts'
import type { EnvVariable } from '../../operator/objects.ts'
import type { NimContainer } from '../../operator/objects.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import { mergedEnvironment } from '../environment.ts'
import { proxyFields, type ProxyRequest } from '../proxy.ts'
import { requireSince } from '../since.ts'

/** The Job that fills a NIMCache: where it runs, as whom, and with what. */
export interface NimCacheJob {
  /** Quantities; the operator takes them as requests and as limits. */
  cpu?: string
  memory?: string
  /** Default: any Linux node. */
  nodeSelector?: Record<string, string>
  tolerations?: readonly V1Toleration[]
  runtimeClass?: string
  /** Default: 1000:2000. */
  user?: { uid: number; gid: number }
  env?: readonly EnvVariable[]
  proxy?: ProxyRequest
  initContainers?: readonly NimContainer[]
}

const anyLinuxNode = { 'kubernetes.io/os': 'linux' }

/**
 * @param env what the source needs; a person's own wins.
 * @throws NimctlError `usage` / `OPERATOR_TOO_OLD`, `PROXY_INVALID`, `NAME_INVALID`.
 */
export function nimCacheJobFields(
  job: NimCacheJob = {},
  { env, version }: { env: readonly EnvVariable[]; version: OperatorVersion },
): { nodeSelector: Record<string, string>; env?: EnvVariable[] } {
  const { cpu, memory, nodeSelector, tolerations, runtimeClass, user, initContainers } = job
  if (runtimeClass !== undefined) checkReferredName('RuntimeClass', runtimeClass)
  if (initContainers !== undefined)
    requireSince(version, '3.1.0', {
      field: '--init-container',
      next: 'Prepare a claim with a Job of your own beforehand, and name it with --claim',
    })
  const resources = { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }) }
  const variables = mergedEnvironment(env, job.env ?? [])
  return {
    ...(variables.length > 0 && { env: variables }),
    ...(initContainers && { initContainers }),
    ...(Object.keys(resources).length > 0 && { resources }),
    nodeSelector: nodeSelector ?? anyLinuxNode,
    ...(tolerations && { tolerations }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
    ...(user && { userID: user.uid, groupID: user.gid }),
    ...proxyFields(job.proxy),
  }
}
