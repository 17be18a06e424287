import type { V1Container, V1Probe } from '@kubernetes/client-node'

export interface ProbeRequest {
  /** Such as `v1/health/ready`. */
  healthPath: string
  /** How long a NIM may take from its start until it serves. */
  startupSeconds: number
}

/** The container's port by its name: probes and Services find it whatever its number is. */
export const portName = 'http'

const periodSeconds = 10

/** A server that computes may be slow to answer; the default of 1 s takes that for a failure. */
const timeoutSeconds = 5

/**
 * Loading takes its time, which differs by model, disk and profile (an hour for some: reference/nim.md, section 7). Until
 * the first success only the start-up probe asks, so that nobody restarts a NIM that loads.
 */
export function nimProbes({ healthPath, startupSeconds }: ProbeRequest): Probes {
  const ready = { path: `/${healthPath.replace(/^\/+/, '')}`, port: portName }
  const live = { ...ready, path: ready.path.replace(/\bready$/, 'live') }
  return {
    startupProbe: probe(ready, Math.ceil(startupSeconds / periodSeconds)),
    readinessProbe: probe(ready, 3),
    livenessProbe: probe(live, 6),
  }
}

type Probes = Required<Pick<V1Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'>>

function probe(httpGet: { path: string; port: string }, failureThreshold: number): V1Probe {
  return { httpGet, periodSeconds, timeoutSeconds, failureThreshold }
}
