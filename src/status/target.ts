import type { ObjectAddress, ObjectKind } from '../kubernetes/objects.ts'
import { NimctlError } from '../system/errors.ts'

const nvidia = 'apps.nvidia.com/v1alpha1'

/** What `nimctl status` can be asked about, and how kubectl's users write it. */
const kinds = {
  NIMPipeline: { apiVersion: nvidia, aliases: ['nimpipeline', 'nimpipelines'] },
  NIMService: { apiVersion: nvidia, aliases: ['nimservice', 'nimservices'] },
  NIMCache: { apiVersion: nvidia, aliases: ['nimcache', 'nimcaches'] },
  NIMBuild: { apiVersion: nvidia, aliases: ['nimbuild', 'nimbuilds'] },
  InferenceService: {
    apiVersion: 'serving.kserve.io/v1beta1',
    aliases: ['inferenceservice', 'inferenceservices', 'isvc'],
  },
  LeaderWorkerSet: {
    apiVersion: 'leaderworkerset.x-k8s.io/v1',
    aliases: ['leaderworkerset', 'leaderworkersets', 'lws'],
  },
  Deployment: { apiVersion: 'apps/v1', aliases: ['deployment', 'deployments', 'deploy'] },
  StatefulSet: { apiVersion: 'apps/v1', aliases: ['statefulset', 'statefulsets', 'sts'] },
  Job: { apiVersion: 'batch/v1', aliases: ['job', 'jobs'] },
  Pod: { apiVersion: 'v1', aliases: ['pod', 'pods', 'po'] },
  PersistentVolumeClaim: { apiVersion: 'v1', aliases: ['persistentvolumeclaim', 'persistentvolumeclaims', 'pvc'] },
} as const

export type Kind = keyof typeof kinds

export function kindOf(name: Kind): ObjectKind {
  return { apiVersion: kinds[name].apiVersion, kind: name }
}

export interface Target extends ObjectAddress {
  kind: Kind
}

/**
 * @param text `nimservice/llama`, as kubectl takes it; also `nimservices.apps.nvidia.com/llama`.
 * @throws NimctlError `usage` / `STATUS_TARGET`.
 */
export function parseTarget(text: string): Target {
  const [, written = '', name = ''] = /^([^/]+)\/([^/]+)$/.exec(text) ?? []
  const alias = written.toLowerCase().replace(/\..*$/, '')
  const entry = Object.entries(kinds).find(([, { aliases }]) => aliases.some(each => each === alias))
  const kind = entry?.[0]
  if (kind !== undefined && isKind(kind) && name !== '') return { ...kindOf(kind), kind, name }
  throw new NimctlError('usage', 'STATUS_TARGET', {
    what: `"${text}" is no object that nimctl knows.`,
    why: `Expected KIND/NAME, where KIND is one of ${Object.values(kinds)
      .map(({ aliases: [first] }) => first)
      .join(', ')}.`,
    next: 'Such as: nimctl status nimservice/llama',
  })
}

function isKind(text: string): text is Kind {
  return Object.hasOwn(kinds, text)
}
