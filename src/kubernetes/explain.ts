import type { CoreV1Event, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

import { NimctlError } from '../system/errors.ts'
import {
  admissionReasons,
  containerReasons,
  explain,
  type Explained,
  imageReasons,
  schedulingReasons,
} from './reasons.ts'

/** States of a container in which it is on its way (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/). */
const onTheWay = ['ContainerCreating', 'PodInitializing', undefined]

const imageStates =
  /^(ErrImagePull|ImagePullBackOff|InvalidImageName|ErrImageNeverPull|ImageInspectError|RegistryUnavailable|SignatureValidationFailed)$/

/** Events of a node that cannot mount, or cannot make the pod's sandbox; the container's own state does not show it. */
const nodeTroubles = /^(FailedMount|FailedAttachVolume|FailedMapVolume|FailedCreatePodSandBox)$/

/**
 * Why a pod does not get on, from its state and its events (newest first). `undefined` while it is well on its way:
 * pulling an image of many gigabytes is no trouble.
 */
export function whyStuck(pod: V1Pod, events: readonly CoreV1Event[]): Explained | undefined {
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False')
  if (unscheduled !== undefined)
    return explain(schedulingReasons, unscheduled.message ?? 'The scheduler gives no reason.')
  for (const { image, state } of containerStatuses(pod)) {
    const { reason, message = '' } = state?.waiting ?? {}
    if (onTheWay.includes(reason)) continue
    if (reason !== undefined && imageStates.test(reason))
      return explain(imageReasons, longest(`${reason}: ${message}`, imageEvent(events)), image || undefined)
    return explain(containerReasons, `${reason}: ${message}`)
  }
  const [newest] = events
  if (newest === undefined || !nodeTroubles.test(newest.reason ?? '')) return undefined
  return explain(containerReasons, newest.message ?? newest.reason ?? '')
}

/** Older kubelets only say `Back-off pulling image` in the state; the event before it has the cause. */
function imageEvent(events: readonly CoreV1Event[]): string {
  return events.find(({ reason, message = '' }) => reason === 'Failed' && /pull image/.test(message))?.message ?? ''
}

function longest(...texts: string[]): string {
  return texts.reduce((best, text) => (text.length > best.length ? text : best))
}

/** Why the Job controller makes no pod. `undefined` while it has not tried. */
export function whyNoPod(events: readonly CoreV1Event[]): Explained | undefined {
  const refused = events.find(({ reason }) => reason === 'FailedCreate')
  return refused === undefined ? undefined : explain(admissionReasons, refused.message ?? '')
}

/** The cluster ended the pod, not the program in it: eviction, preemption, a lost node, a GPU that went away. */
export function whyEnded({ metadata, status }: V1Pod): NimctlError | undefined {
  const { phase, reason, message } = status ?? {}
  if (phase !== 'Failed' || reason === undefined || reason === '') return undefined
  return new NimctlError('unavailable', 'POD_ENDED_BY_CLUSTER', {
    what: `The cluster ended the pod ${metadata?.name ?? ''}.`,
    why: [reason, message].filter(Boolean).join(': '),
    next: 'Run the same command again; what has been downloaded is kept.',
  })
}

export function containerStatuses({ status }: V1Pod): V1ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
}
