import type { CoreV1Event } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import type { AnyObject, Reading } from '../kubernetes/objects.ts'
import { textAt } from '../system/json.ts'
import { sanitize } from '../system/secret.ts'
import { type Finding, stateOf } from './report.ts'
import type { Judge } from './walk.ts'

/** What keeps a claim from having a volume; nothing where it has one, or will have with its first pod. */
async function explainClaim(cluster: Cluster, claim: AnyObject, signal: AbortSignal): Promise<Finding[]> {
  const phase = textAt(claim, 'status', 'phase') ?? 'Pending'
  if (phase === 'Bound') return []
  if (phase === 'Lost') return [lostVolume(claim)]
  const { name } = claim.metadata
  const events = await cluster.listEvents({ kind: 'PersistentVolumeClaim', name }, signal)
  const event = events.find(({ reason }) => reasons.test(reason ?? ''))
  const className = textAt(claim, 'spec', 'storageClassName')
  const storageClass = className === undefined ? undefined : await readClass(cluster, className, signal)
  return [explainPending({ event, className, storageClass })]
}

/** What the volume controller and provisioners say of a claim that has no volume. */
const reasons =
  /^(ProvisioningFailed|FailedBinding|WaitForFirstConsumer|WaitForPodScheduled|VolumeMismatch|Provisioning|ExternalProvisioning)$/

function readClass(cluster: Cluster, name: string, signal: AbortSignal): Promise<Reading<AnyObject>> {
  return cluster.readObject({ apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', name }, signal)
}

interface PendingClaim {
  event: CoreV1Event | undefined
  className: string | undefined
  storageClass: Reading<AnyObject> | undefined
}

function explainPending({ event, className, storageClass }: PendingClaim): Finding {
  const { reason = '', message = '' } = event ?? {}
  const why = sanitize(message) || undefined
  if (storageClass?.answer === 'absent' || /storageclass\S* "[^"]*" not found/i.test(message)) {
    return {
      code: 'STORAGE_CLASS_NOT_FOUND',
      severity: 'failed',
      what: `The cluster has no storage class ${className ?? ''}, and no free volume of that name.`,
      why,
      next: 'Correct the storage class of the claim, which has to be made anew for that. What there is: kubectl get storageclass',
    }
  }
  if (className === undefined) {
    return {
      code: 'STORAGE_CLASS_NEEDED',
      severity: 'failed',
      what: 'The claim names no storage class, there is no default one, and no volume without one fits it.',
      why,
      next: 'Name one. What there is: kubectl get storageclass. For the NIM Operator "" counts as none named.',
    }
  }
  if (reason.startsWith('WaitFor')) {
    return {
      code: 'CLAIM_WAITS_FOR_POD',
      severity: 'waiting',
      what: 'The claim gets its volume with the first pod that uses it.',
      why,
      next: 'Nothing, unless that pod can not be placed: it says why.',
    }
  }
  if (/^(External)?Provisioning$/.test(reason)) {
    return {
      code: 'CLAIM_ON_ITS_WAY',
      severity: 'waiting',
      what: `The storage of the class ${className} has been asked for a volume.`,
      why,
      next: 'Wait. Where nothing comes, see whether the driver of that class runs: kubectl get pods -A',
    }
  }
  // A class whose volumes people make by hand has no plugin that would.
  if (reason === 'ProvisioningFailed' && !/no volume plugin matched/.test(message)) {
    return {
      code: 'PROVISIONING_FAILED',
      severity: 'stuck',
      what: 'The storage could not make a volume for the claim.',
      why,
      next: 'Its words say why: capacity, quota or rights on the side of the storage.',
    }
  }
  return {
    code: 'CLAIM_UNBOUND',
    severity: 'stuck',
    what: `No volume of the class ${className} fits the claim.`,
    why,
    next: 'Size, access mode and class of a PersistentVolume have to fit, and it has to be free: kubectl get pv. A class that makes volumes by itself needs its driver to run.',
  }
}

function lostVolume(claim: AnyObject): Finding {
  return {
    code: 'CLAIM_LOST',
    severity: 'failed',
    what: `The volume ${textAt(claim, 'spec', 'volumeName') ?? ''} of the claim is gone.`,
    next: 'What lay in it is lost: make the claim anew and fill it again.',
  }
}

function explainVolume(volume: AnyObject): Finding[] {
  const phase = textAt(volume, 'status', 'phase')
  if (phase === 'Bound' || phase === undefined) return []
  return [
    {
      code: 'VOLUME_NOT_BOUND',
      severity: phase === 'Failed' ? 'failed' : 'stuck',
      what: `The volume that the claim names is ${phase}.`,
      why: textAt(volume, 'status', 'message'),
      next:
        phase === 'Released'
          ? 'It still belongs to a claim that was deleted: remove spec.claimRef of the volume when its contents may be used.'
          : 'See: kubectl describe pv',
    },
  ]
}

export const judgeClaim: Judge = async (walk, claim) => {
  const volume = textAt(claim, 'spec', 'volumeName')
  if (volume !== undefined) await walk.look({ apiVersion: 'v1', kind: 'PersistentVolume', name: volume }, claim)
  const findings = await explainClaim(walk.cluster, claim, walk.signal)
  const phase = textAt(claim, 'status', 'phase') ?? 'Pending'
  const size = textAt(claim, 'status', 'capacity', 'storage')
  const says = size === undefined ? phase : `${phase}, ${size}`
  return { state: stateOf(findings, phase === 'Bound' ? 'ready' : 'in-progress'), says, findings }
}

export const judgeVolume: Judge = async (_walk, volume) => {
  const findings = explainVolume(volume)
  return { state: stateOf(findings, 'ready'), says: textAt(volume, 'status', 'phase') ?? 'Pending', findings }
}

/** For whatever mounts it. */
export const claimNotFound: Finding = {
  code: 'CLAIM_NOT_FOUND',
  severity: 'failed',
  what: 'The namespace has no such PersistentVolumeClaim.',
  next: 'Make the claim, or correct its name in the object. What there is: kubectl get pvc',
}
