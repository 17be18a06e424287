/**
 * What a NIMCache and the loader image agree on: nimctl's own image, run by the operator in place of a NIM
 * (shape E, reference/operator.md sections 3 and 4). The image, its program and `emit` take the names from here.
 * Credentials come from the NIMCache's Secret, under the store's own names; the operator hands all of it over.
 */
export const loaderContract = {
  /** Started by the operator, found on the image's PATH; arguments: `--profiles ID ID …`. */
  program: 'download-to-cache',
  /** Set by the operator to the claim's mount point (`/model-store`): where the loader writes, as 1000:2000. */
  targetVariable: 'NIM_CACHE_PATH',
  /** Set by `emit` in the NIMCache's `spec.env`. */
  variables: {
    /** The prefix that holds the cache, as the cluster calls it: `s3://bucket/prefix`. */
    cacheUrl: 'NIMCTL_CACHE_URL',
    /** `sha256:…`; the loader refuses an inventory with another digest. Absent: any. */
    inventoryDigest: 'NIMCTL_INVENTORY_DIGEST',
  },
} as const
