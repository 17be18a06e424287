import { NimctlError } from '../system/errors.ts'

/** What mends a known symptom of a NIM where it runs in a pod: nim/symptoms.ts speaks to whoever runs containers here. */
const cures: Record<string, string> = {
  NGC_KEY_MISSING: 'Name the Secret that holds it: --ngc-secret NAME/KEY',
  NGC_KEY_REFUSED:
    'Make a new key (https://org.ngc.nvidia.com/setup/api-keys) and put it into the Secret of --ngc-secret.',
  DISK_FULL: 'Enlarge the PersistentVolumeClaim, then run the same command again; what has been downloaded is kept.',
  CACHE_NOT_WRITABLE:
    'Give the volume to the user of the pod: --run-as UID:GID:FSGROUP. Where fsGroup has no effect (hostPath, NFS), change the owner on the side of the storage.',
  GPU_NEEDED: 'Ask for one: --gpus 1, often with --runtime-class nvidia.',
  NGC_TLS:
    "Behind an inspecting proxy: --env NIM_SDK_USE_NATIVE_TLS=1, with an image whose trust store has the proxy's CA.",
}

/** The same error, with the next step that a cluster offers. */
export function clusterCure(error: NimctlError | undefined): NimctlError | undefined {
  const next = error === undefined ? undefined : cures[error.code]
  if (error === undefined || next === undefined) return error
  return new NimctlError(error.category, error.code, { what: error.message, why: error.why, next, mend: error.mend })
}
