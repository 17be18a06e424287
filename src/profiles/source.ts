import type { Report } from '../system/progress.ts'
import type { ProfileListing } from './listing.ts'

/**
 * Somebody who can say what profiles an image offers: a container on this host, a Job in a cluster. What each needs to
 * know beforehand differs, what comes back does not.
 */
export type ProfileSource<Request> = (
  request: Request,
  options: { signal: AbortSignal; report: Report },
) => Promise<ProfileListing>
