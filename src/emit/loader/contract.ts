/**
 * What Kubernetes objects and the loader agree on: nimctl's own image, run by the operator in place of a NIM (shape E,
 * reference/operator.md sections 3 and 4), by a Job, or as an init container. The image, its program and `emit` take
 * the names from here. Credentials come from a Secret, under the store's own names.
 */
export const loaderContract = {
  /** Started by the operator, found on the image's PATH; arguments: `--profiles ID ID …`, which change nothing. */
  program: 'download-to-cache',
  /** Where the loader writes, as 1000:2000. The operator sets it to the claim's mount point (`/model-store`). */
  targetVariable: 'NIM_CACHE_PATH',
  /** Of an Indexed Job's pod: which line of `caches` is its own. Set by Kubernetes. */
  indexVariable: 'JOB_COMPLETION_INDEX',
  variables: {
    /** The prefix that holds the cache, as the cluster calls it: `s3://bucket/prefix`. */
    cacheUrl: 'NIMCTL_CACHE_URL',
    /** `sha256:…`; the loader refuses an inventory with another digest. Absent: any. */
    inventoryDigest: 'NIMCTL_INVENTORY_DIGEST',
    /** Instead of both, of an Indexed Job: a line for each index, `FOLDER URL [DIGEST]`. */
    caches: 'NIMCTL_CACHES',
    /** More flags of `nimctl download`, with spaces between, where a store has no variable for a setting. */
    flags: 'NIMCTL_DOWNLOAD_FLAGS',
  },
  /** Variables with the content of a file, since a NIMCache mounts none. The loader puts each into a private file. */
  contents: {
    caCertificates: 'NIMCTL_CA_CERTIFICATES',
    googleCredentials: 'NIMCTL_GOOGLE_CREDENTIALS',
    httpHeaders: 'NIMCTL_HTTP_HEADERS',
    clientCertificate: 'NIMCTL_CLIENT_CERTIFICATE',
    clientKey: 'NIMCTL_CLIENT_KEY',
  },
} as const
