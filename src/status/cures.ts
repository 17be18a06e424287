import type { Explained } from '../kubernetes/reasons.ts'
import type { NimctlError } from '../system/errors.ts'
import type { Finding, Severity } from './report.ts'

/**
 * What mends what keeps a pod from running, where somebody else wrote the pod: kubernetes/reasons.ts and nim/symptoms.ts
 * speak of flags to whoever runs containers with nimctl.
 */
const cures: Readonly<Record<string, string>> = {
  ADMISSION_REFUSED: 'Change what its words name, in the object that makes the pod.',
  CACHE_NOT_WRITABLE:
    "Give the volume to the pod's user and group: fsGroup, or userID and groupID of the NIM object. Where fsGroup has no effect (hostPath, NFS), change the owner on the side of the storage.",
  CLAIM_NOT_BOUND: 'Its PersistentVolumeClaim stands below, with why it has no volume. See: kubectl describe pvc',
  CLAIM_NOT_FOUND: 'Make the claim, or correct its name in the object. What there is: kubectl get pvc',
  DISK_FULL:
    'Enlarge the PersistentVolumeClaim (where its class permits), or make it anew with the size that emit gives.',
  GPU_NEEDED: 'Ask for one in resources, nvidia.com/gpu in limits and requests, often with runtimeClassName nvidia.',
  IMAGE_NAME_INVALID: 'Correct the image: registry/path/name:tag, without a scheme in front.',
  IMAGE_NOT_IN_REGISTRY: 'Correct image and tag, or bring it there: nimctl mirror IMAGE --to REGISTRY',
  IMAGE_PULL_DENIED:
    'Name a Secret of type docker-registry for its registry as pull secret; it has to lie in the same namespace.',
  NGC_KEY_MISSING:
    'Offline it should not need one: name a profile that the cache holds. Else name the Secret that holds NGC_API_KEY.',
  NGC_KEY_REFUSED: 'Put a new key (https://org.ngc.nvidia.com/setup/api-keys) into the Secret that the object names.',
  NGC_TLS: 'Behind an inspecting proxy: name its CA in spec.proxy.certConfigMap.',
  NGC_UNREACHABLE:
    'A disconnected cluster has no NGC: name a profile that the cache holds, and give it no NGC_API_KEY. Else see proxy and firewall.',
  POD_ENDED_BY_CLUSTER: 'Look at the node (kubectl describe node); whatever made the pod makes a new one.',
  POD_SECURITY_REFUSED:
    'Give the pod what the namespace asks for (user, group, securityContext), or take a namespace that permits it.',
  POD_UNSCHEDULABLE: 'What nodes there are, and what is free on them: kubectl describe nodes',
  QUOTA_EXCEEDED: 'Ask for less, end something else, or have the quota raised. See: kubectl describe quota',
  QUOTA_WANTS_LIMITS: 'Give the object requests and limits, or the namespace defaults with a LimitRange.',
  RUNTIME_CLASS_NOT_FOUND: 'Correct runtimeClassName, or leave it out. What there is: kubectl get runtimeclass',
  RUN_AS_REFUSED: 'Name user and group by number: userID and groupID of a NIM object, runAsUser of a pod.',
  SECRET_NOT_FOUND:
    'Make the Secret in this namespace, with the keys that the pod names: kubectl create secret generic NAME --from-literal=KEY=VALUE',
  SERVICE_ACCOUNT_NOT_FOUND: 'Make it, or correct serviceAccountName. What there is: kubectl get serviceaccounts',
  USER_REFUSED: 'Give the user that the image wants: userID and groupID of a NIM object, runAsUser of a pod.',
}

/** An error of a pod as a finding about it. */
export function findingOf(error: NimctlError, severity: Severity): Finding {
  const { code, message: what, why, next } = error
  return { code, severity, what, why, next: cures[code] ?? next }
}

/** What will not pass by itself has failed. */
export function findingOfReason({ error, definite }: Explained): Finding {
  return findingOf(error, definite ? 'failed' : 'stuck')
}
