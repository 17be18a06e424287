import { checkReferredName } from '../../operator/names.ts'
import type { OperatorVersion } from '../../operator/versions.ts'
import { requireSince } from '../since.ts'
import type { ContainerRequest, PlacementRequest, ProbesRequest, ServingRequest } from './serving.ts'

/** Where pods go; tolerations come with the GPUs. @throws NimctlError `usage` / `OPERATOR_TOO_OLD`, `NAME_INVALID`. */
export function placementFields(placement: PlacementRequest = {}, version: OperatorVersion): object {
  const { nodeSelector, runtimeClass, priorityClass, scheduler } = placement
  if (priorityClass !== undefined) {
    checkReferredName('PriorityClass', priorityClass)
    requireSince(version, '3.1.2', {
      field: '--priority-class',
      next: 'Leave it out, and make the class the default of the cluster (globalDefault: true), or use a newer operator',
    })
  }
  if (runtimeClass !== undefined) checkReferredName('RuntimeClass', runtimeClass)
  return {
    ...(nodeSelector && { nodeSelector }),
    ...(runtimeClass !== undefined && { runtimeClassName: runtimeClass }),
    ...(priorityClass !== undefined && { priorityClassName: priorityClass }),
    ...(scheduler !== undefined && { schedulerName: scheduler }),
  }
}

/** What runs in the pods beside the image's own; environment and containers come with what else needs some. */
export function containerFields({ command, args, labels, annotations, user }: ContainerRequest = {}): object {
  return {
    ...(command && { command }),
    ...(args && { args }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    ...(user && { userID: user.uid, groupID: user.gid }),
  }
}

/** @throws NimctlError `usage` / `OPERATOR_TOO_OLD` before 3.1.0. */
export function checkContainers(
  { container: { initContainers, sidecars } = {} }: ServingRequest,
  version: OperatorVersion,
): void {
  if (initContainers !== undefined)
    requireSince(version, '3.1.0', {
      field: '--init-container',
      next: 'Prepare a claim with a Job beforehand (nimctl emit loader), and serve it with --claim',
    })
  if (sidecars !== undefined)
    requireSince(version, '3.1.0', {
      field: '--sidecar',
      next: 'Run it as a Deployment of its own, or use a newer operator',
    })
}

const periodSeconds = 10

/** Of the operator's own startup probe (reference/operator.md, section 2). */
const startupSeconds = 1200

/**
 * The operator has all three probes by itself; what is written replaces one of them as a whole, so it is whole.
 * `api` is the operator's name of the serving port.
 */
export function probeFields({ startupTimeoutMs, healthPath, livePath, disabled = [] }: ProbesRequest = {}): object {
  const ready = { path: healthPath ?? '/v1/health/ready', port: 'api' }
  const failureThreshold = Math.ceil((startupTimeoutMs ?? startupSeconds * 1000) / 1000 / periodSeconds)
  const startup = { httpGet: ready, initialDelaySeconds: 30, timeoutSeconds: 1, periodSeconds, failureThreshold }
  const readiness = { httpGet: ready, initialDelaySeconds: 15, timeoutSeconds: 1, periodSeconds, failureThreshold: 3 }
  const liveness = { ...readiness, httpGet: { path: livePath ?? '/v1/health/live', port: 'api' } }
  const wanted = [
    { name: 'startup', probe: startup, changed: startupTimeoutMs !== undefined || healthPath !== undefined },
    { name: 'readiness', probe: readiness, changed: healthPath !== undefined },
    { name: 'liveness', probe: liveness, changed: livePath !== undefined },
  ] as const
  return Object.fromEntries(
    wanted.flatMap(({ name, probe, changed }): [string, object][] => {
      if (disabled.includes(name)) return [[`${name}Probe`, { enabled: false }]]
      return changed ? [[`${name}Probe`, { enabled: true, probe }]] : []
    }),
  )
}
