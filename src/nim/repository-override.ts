import { NimctlError } from '../system/errors.ts'

/**
 * Where NIM_REPOSITORY_OVERRIDE may point (reference/nim.md, section 5.1).
 *
 * @throws NimctlError `usage` / `OVERRIDE_NEEDS_S3` or `OVERRIDE_PREFIX`.
 */
export function checkOverrideUrl(url: URL): void {
  if (url.protocol !== 's3:')
    throw new NimctlError('usage', 'OVERRIDE_NEEDS_S3', {
      what: `NIM_REPOSITORY_OVERRIDE can't point at ${url.href}.`,
      why: 'NVIDIA documents it for s3:// alone.',
      next: 'Upload to a bucket: nimctl upload DIR s3://BUCKET --layout ngc; emit takes its name in the cluster by --store-url s3://BUCKET',
    })
  if (url.pathname !== '' && url.pathname !== '/')
    throw new NimctlError('usage', 'OVERRIDE_PREFIX', {
      what: `NIM_REPOSITORY_OVERRIDE can't point at ${url.href}: it has a prefix.`,
      why: 'A NIM asks for its keys at the bucket’s root.',
      next: `Upload to the root: nimctl upload DIR s3://${url.host} --layout ngc`,
    })
}
