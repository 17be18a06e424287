import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

import type { Workplace } from './workplace.ts'

const repository = join(import.meta.dirname, '../..')
const crds = resolve(repository, process.env['NIMCTL_REFERENCE_DIR'] ?? '../shared', 'crds')

/** The CRDs of the NIM Operator's main. The operator itself can't be had: the tests write what it would. */
export async function installCrds({ kubectl }: Workplace): Promise<void> {
  const files = readdirSync(crds).filter(name => name.endsWith('.yaml'))
  const flags = files.flatMap(name => ['-f', join(crds, name)])
  // Too large for the annotation of a plain apply.
  await kubectl(['apply', '--server-side', '--force-conflicts', ...flags])
  const names = files.map(name => `crd/${name.replace(/^([^_]+)_(.*)\.yaml$/, '$2.$1')}`)
  await kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names])
}

const securityContext = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }

const busybox = 'registry.internal/busybox:1'

/** A pod's spec as a restricted namespace admits it. */
function podSpec(container: object, more: object = {}): object {
  return {
    securityContext: {
      runAsUser: 1000,
      runAsGroup: 2000,
      fsGroup: 2000,
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'nim', image: busybox, securityContext, ...container }],
    ...more,
  }
}

export function shell(script: string): { command: string[] } {
  return { command: ['/bin/sh', '-c', script] }
}

export function pod(name: string, container: object, more: object = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: podSpec(container, more) }
}

export function job(name: string, container: object, more: object = {}): object {
  const spec = podSpec(container, { restartPolicy: 'Never', ...more })
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { backoffLimit: 0, template: { spec } },
  }
}

export function deployment(name: string, container: object, more: object = {}): object {
  const labels = { app: name }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(container, more) },
    },
  }
}

const apiVersion = 'apps.nvidia.com/v1alpha1'

export const profile = 'a'.repeat(64)

export function nimCache(name: string, storage: object = { create: true, size: '1Gi' }): object {
  const ngc = { authSecret: 'any', modelPuller: 'registry.internal/nim:1', model: { profiles: [profile] } }
  return {
    apiVersion,
    kind: 'NIMCache',
    metadata: { name },
    spec: { source: { ngc }, storage: { pvc: storage } },
  }
}

export function nimService(name: string, nimCacheName: string, wanted = profile): object {
  return {
    apiVersion,
    kind: 'NIMService',
    metadata: { name },
    spec: {
      image: { repository: 'registry.internal/nim', tag: '1' },
      authSecret: 'any',
      storage: { nimCache: { name: nimCacheName, profile: wanted } },
      expose: { service: { port: 8000 } },
    },
  }
}

export interface WrittenCondition {
  type: string
  status: 'True' | 'False'
  reason: string
  message?: string
}

/** Writes the status that the operator would (reference/operator.md, sections 3 to 5). */
export async function writeStatus(
  { kubectl }: Workplace,
  target: string,
  { conditions = [], ...status }: { state: string; conditions?: WrittenCondition[]; [field: string]: unknown },
): Promise<void> {
  const lastTransitionTime = '2026-11-21T21:00:00Z'
  const written = conditions.map(condition => ({ message: '', ...condition, lastTransitionTime }))
  const patch = JSON.stringify({ status: { ...status, conditions: written } })
  await kubectl(['patch', target, '--subresource=status', '--type=merge', '-p', patch])
}
