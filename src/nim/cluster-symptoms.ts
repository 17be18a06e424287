import type { NimctlError } from '../system/errors.ts'
import { findSymptom, type Symptom } from './symptoms.ts'

const asksNgc =
  /(?:error sending request|timed out|timeout|failed to lookup|dns error|connection refused|unreachable).{0,200}\b(?:ngc|authn)\.nvidia\.com|\b(?:ngc|authn)\.nvidia\.com.{0,200}(?:error sending|timed out|timeout|failed to lookup|dns error|connection refused|unreachable)|fetching filemap from:/i

/**
 * What pods, events and the NIM Operator say where a cache is served or a NIMCache is filled (reference/nim.md section
 * 7). Causes before their consequences.
 */
export const clusterSymptoms: readonly Symptom[] = [
  {
    match: /unable to validate against any security context constraint/i,
    category: 'auth',
    code: 'SCC_REFUSED',
    what: 'OpenShift does not admit the pod with the user that it asks for.',
    next: "Take a uid of the project's range (oc get project NAME -o yaml: openshift.io/sa.scc.uid-range), or give the service account the SCC nonroot.",
  },
  {
    match: /\b402\b.{0,40}payment required|payment required/i,
    category: 'auth',
    code: 'IMAGE_NOT_ENTITLED',
    what: 'The registry knows the log-in, but its organization may not have this image.',
    next: 'Ask for the entitlement (NVIDIA AI Enterprise), or pull from your own mirror of the image.',
  },
  {
    match: /ConfigMap .{0,200}Too long: must have at most \d+ bytes|etcdserver: request is too large/i,
    category: 'check-failed',
    code: 'OPERATOR_MANIFEST_TOO_LARGE',
    what: "The NIM Operator could not store the image's model manifest: it is larger than a ConfigMap may be.",
    next: 'Update the NIM Operator to 3.1.2 or later.',
  },
  {
    match: /yaml: unmarshal|cannot unmarshal !!/i,
    category: 'check-failed',
    code: 'OPERATOR_MANIFEST_UNREADABLE',
    what: "The NIM Operator cannot read the image's model manifest.",
    next: 'Update the NIM Operator to 3.1.2 or later; manifests of the oldest form (MolMIM 1.0) it does not read at all.',
  },
  {
    match: /pods? "[^"]+-pod" not found/i,
    category: 'unavailable',
    code: 'OPERATOR_POD_NOT_FOUND',
    what: 'The NIM Operator lost the pod by which it looks into the image.',
    next: 'It tries again by itself; where it does not, delete the NIMCache and create it again.',
  },
  {
    match: /chown.{0,200}operation not permitted|operation not permitted.{0,60}chown|os error 1\b/i,
    category: 'local',
    code: 'STORAGE_KEEPS_OWNER',
    what: 'The storage does not let the pod change who owns the files (NFS with root squash, or a CSI driver without fsGroup).',
    next: 'Change it on the side of the storage: chmod -R a+rwX on the exported directory.',
  },
  {
    match: /permission denied|errno 13\b|os error 13\b/i,
    category: 'local',
    code: 'CACHE_NOT_READABLE',
    what: 'The pod may not read the cache, or not write where it has to.',
    next: 'The files are those of another user: chmod -R a+rX on the volume. Where fsGroup has no effect, the CSI driver ignores it.',
  },
  {
    match: /repo file list has not been validated|read-only file system|os error 30\b/i,
    category: 'local',
    code: 'CACHE_READ_ONLY',
    what: 'The NIM may not write to its cache directory.',
    next: 'Mount the volume writable; with KServe: annotation storage.kserve.io/readonly: "false".',
  },
  {
    match: /no matching profile_id or profile description/i,
    category: 'not-found',
    code: 'PROFILE_UNKNOWN',
    what: 'NIM_MODEL_PROFILE names no profile of this image.',
    next: 'It takes the bare id or the exact description, not "id (description)" and not auto. Ids change with every tag: nimctl profiles IMAGE',
  },
  {
    match: asksNgc,
    category: 'unavailable',
    code: 'NIM_ASKS_NGC',
    what: 'The NIM asks NGC at its start, which it cannot reach from here.',
    next: 'Set NIM_MODEL_PROFILE to a profile that the cache holds, and give it no NGC_API_KEY: with a key, or without a profile, it asks.',
  },
  {
    match: /\briva-(?:deploy|build)\b|\.rmir\b/i,
    category: 'unavailable',
    code: 'RIVA_BUILDS_ENGINE',
    what: 'The NIM builds its engine: with a profile of type rmir the first start takes 40 to 60 minutes.',
    next: 'Wait, with a startup probe that is patient enough, or choose a profile with the tag model_type prebuilt.',
  },
]

/**
 * Recognises in the log of a pod, its events, or what the NIM Operator says, why something is not served.
 *
 * @returns an error that names cause and cure, with the line as its `why`, or `undefined` when nothing is known.
 */
export function recogniseClusterSymptom(lines: readonly string[]): NimctlError | undefined {
  return findSymptom(clusterSymptoms, lines)
}

/** What else a NIM says when it wants to download. A hub's bare address does not count: licences name it, too. */
const asksElse =
  /requires an API key, but none was found|error downloading models|huggingface\.co.{0,200}(?:error|timed out|timeout|refused|unreachable|max retries)|(?:error|timed out|timeout|refused|unreachable|max retries).{0,200}huggingface\.co/i

/** Whether a line of a serving NIM's log shows that it tried to download. */
export function showsDownload(line: string): boolean {
  return asksNgc.test(line) || asksElse.test(line)
}
