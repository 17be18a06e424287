import type { ErrorCategory } from '../system/errors.ts'
import { NimctlError } from '../system/errors.ts'
import { sanitize } from '../system/secret.ts'

/** A text in which a part of Kubernetes says why a pod does not start, and what it means. */
export interface Reason {
  match: RegExp
  category: ErrorCategory
  code: string
  /** `%s` is the image. */
  what: string
  next: string
  /** Waiting longer will not mend it. */
  definite: boolean
}

export interface Explained {
  error: NimctlError
  definite: boolean
}

/** What kubelet and container runtime say of an image (https://kubernetes.io/docs/concepts/containers/images/). */
export const imageReasons: readonly Reason[] = [
  {
    match:
      /unauthorized|authentication required|authorization|denied|forbidden|no basic auth|payment required|40[123]\b/i,
    category: 'auth',
    code: 'IMAGE_PULL_DENIED',
    what: 'The node may not pull %s.',
    next: 'Name a Secret of type docker-registry for its registry: --pull-secret NAME',
    definite: true,
  },
  {
    match: /not found|manifest unknown|name unknown|does not exist|no match for platform/i,
    category: 'not-found',
    code: 'IMAGE_NOT_IN_REGISTRY',
    what: 'The registry has no image %s.',
    next: 'Check name, tag and platform. Bring it there with: nimctl mirror IMAGE --to REGISTRY',
    definite: true,
  },
  {
    match: /invalid ?(?:image ?name|reference)/i,
    category: 'usage',
    code: 'IMAGE_NAME_INVALID',
    what: 'No registry takes the name %s.',
    next: 'Write it as registry/path/name:tag, without a transport in front.',
    definite: true,
  },
  {
    match: /x509|certificate|HTTP response to HTTPS client/i,
    category: 'unavailable',
    code: 'IMAGE_REGISTRY_TLS',
    what: 'The node does not trust the registry of %s.',
    next: 'The container runtime of each node has to know its CA, or that it speaks HTTP. No flag of nimctl can do that.',
    definite: true,
  },
  {
    match: /no such host/i,
    category: 'unavailable',
    code: 'IMAGE_REGISTRY_UNREACHABLE',
    what: 'The node does not find the registry of %s.',
    next: 'Check the name of the registry. A disconnected cluster has only the internal one: nimctl mirror IMAGE --to REGISTRY',
    definite: true,
  },
  {
    match: /(?:)/,
    category: 'unavailable',
    code: 'IMAGE_REGISTRY_UNREACHABLE',
    what: 'The node could not pull %s.',
    next: 'See whether the node reaches the registry; a disconnected cluster has only the internal one.',
    definite: false,
  },
]

/** What the scheduler says where no node takes the pod. */
export const schedulingReasons: readonly Reason[] = [
  {
    match: /persistentvolumeclaim "[^"]*" not found/i,
    category: 'not-found',
    code: 'CLAIM_NOT_FOUND',
    what: 'The namespace has no such PersistentVolumeClaim.',
    next: 'What there is: kubectl get pvc. Make one, or name another: pvc://CLAIM/PATH',
    definite: true,
  },
  {
    match:
      /unbound immediate PersistentVolumeClaims|available persistent volumes to bind|volume node affinity conflict/i,
    category: 'unavailable',
    code: 'CLAIM_NOT_BOUND',
    what: 'The PersistentVolumeClaim has no volume that a node could use.',
    next: 'See: kubectl describe pvc. Often there is no such storage class, or its volumes are on other nodes.',
    definite: false,
  },
  {
    match: /Insufficient nvidia\.com\/gpu/,
    category: 'unavailable',
    code: 'POD_UNSCHEDULABLE',
    what: 'No node has that many GPUs free.',
    next: 'Ask for fewer with --gpus, or wait. What there is: kubectl describe nodes',
    definite: false,
  },
  {
    // Of a tainted node the scheduler does not say whether its labels would do, and control planes are always tainted.
    match: /node affinity\/selector.*untolerated taint|untolerated taint.*node affinity\/selector/s,
    category: 'unavailable',
    code: 'POD_UNSCHEDULABLE',
    what: 'No node that takes pods without a toleration has the labels that were asked for.',
    next: 'Correct --node-selector, or give the taint that it names: --toleration KEY=VALUE:EFFECT. What there is: kubectl get nodes --show-labels',
    definite: false,
  },
  {
    match: /untolerated taint/,
    category: 'unavailable',
    code: 'POD_UNSCHEDULABLE',
    what: 'The nodes that would do refuse pods without a toleration.',
    next: 'Give the taint that it names: --toleration KEY=VALUE:EFFECT',
    definite: false,
  },
  {
    match: /node affinity\/selector/,
    category: 'unavailable',
    code: 'POD_UNSCHEDULABLE',
    what: 'No node has the labels that were asked for.',
    next: 'Correct --node-selector. What there is: kubectl get nodes --show-labels',
    definite: false,
  },
  {
    match: /(?:)/,
    category: 'unavailable',
    code: 'POD_UNSCHEDULABLE',
    what: 'No node takes the pod.',
    next: 'See: kubectl describe nodes',
    definite: false,
  },
]

/** Why a container of a pod that has a node is not made. */
export const containerReasons: readonly Reason[] = [
  {
    match: /secret "[^"]*" not found|couldn't find key .* in Secret/i,
    category: 'not-found',
    code: 'SECRET_NOT_FOUND',
    what: 'The namespace has no such Secret, or the Secret no such key.',
    next: 'Name both with --ngc-secret NAME/KEY, or make it: kubectl create secret generic NAME --from-literal=NGC_API_KEY="$NGC_API_KEY"',
    definite: true,
  },
  {
    match: /runAsNonRoot|non-numeric user/,
    category: 'usage',
    code: 'RUN_AS_REFUSED',
    what: 'The node does not start the container as this user.',
    next: 'Name one by number: --run-as UID:GID',
    definite: true,
  },
  {
    match: /no runtime for|runtime handler/i,
    category: 'not-found',
    code: 'RUNTIME_CLASS_NOT_FOUND',
    what: "The node's container runtime does not have the runtime class that was asked for.",
    next: 'Name another with --runtime-class, or leave it out. What there is: kubectl get runtimeclass',
    definite: true,
  },
  {
    match: /MountVolume|AttachVolume|MapVolume|Unable to attach or mount|Multi-Attach/i,
    category: 'unavailable',
    code: 'VOLUME_NOT_MOUNTED',
    what: 'The node could not mount a volume of the pod.',
    next: 'A ReadWriteOnce volume is on one node at a time: see who else uses it, kubectl describe pvc',
    definite: false,
  },
  {
    match: /(?:)/,
    category: 'unavailable',
    code: 'CONTAINER_NOT_STARTED',
    what: 'The node could not start the container.',
    next: 'What stands above is what the node says; look at its container runtime.',
    definite: false,
  },
]

/** Why the cluster makes no pod of a Job: quota and admission. None of them passes by itself. */
export const admissionReasons: readonly Reason[] = [
  {
    match: /exceeded quota/,
    category: 'unavailable',
    code: 'QUOTA_EXCEEDED',
    what: "The namespace's quota leaves no room for the pod.",
    next: 'Wait for others to end, ask for more, or take another namespace with -n. See: kubectl describe quota',
    definite: true,
  },
  {
    match: /failed quota: .*must specify/,
    category: 'usage',
    code: 'QUOTA_WANTS_LIMITS',
    what: "The namespace's quota wants each pod to say what it needs, and this one does not.",
    next: 'Give the namespace defaults with a LimitRange, or take the object from --dry-run -o yaml and complete it.',
    definite: true,
  },
  {
    match: /violates PodSecurity|security context constraint/,
    category: 'auth',
    code: 'POD_SECURITY_REFUSED',
    what: 'The namespace does not permit such a pod.',
    next: 'Run it as a user that the namespace permits, with --run-as UID:GID, or in another namespace with -n.',
    definite: true,
  },
  {
    match: /serviceaccount "[^"]*" not found/i,
    category: 'not-found',
    code: 'SERVICE_ACCOUNT_NOT_FOUND',
    what: 'The namespace has no such service account.',
    next: 'Correct --service-account. What there is: kubectl get serviceaccounts',
    definite: true,
  },
  {
    match: /RuntimeClass.*not found/,
    category: 'not-found',
    code: 'RUNTIME_CLASS_NOT_FOUND',
    what: 'The cluster has no such runtime class.',
    next: 'Correct --runtime-class, or leave it out. What there is: kubectl get runtimeclass',
    definite: true,
  },
  {
    match: /(?:)/,
    category: 'auth',
    code: 'ADMISSION_REFUSED',
    what: 'The cluster does not admit the pod.',
    next: 'What stands above is what it says. The object as nimctl sends it: add --dry-run -o yaml',
    definite: true,
  },
]

/** The first reason of a table that the text fits; the last ones fit everything. */
export function explain(table: readonly Reason[], text: string, image = 'the image'): Explained | undefined {
  const reason = table.find(({ match }) => match.test(text))
  if (reason === undefined) return undefined
  const { category, code, next, definite } = reason
  const what = reason.what.replace('%s', image)
  const error = new NimctlError(category, code, { what, why: sanitize(text).trim(), next, mend: 'not' })
  return { error, definite }
}
