import { NimctlError } from '../../system/errors.ts'

/**
 * YAML is read by many: nothing secret goes into it.
 *
 * @throws NimctlError `usage` / `SECRET_IN_URL`.
 */
export function checkUrlHasNoSecret(url: URL): void {
  if (url.username === '' && url.password === '' && url.search === '') return
  throw new NimctlError('usage', 'SECRET_IN_URL', {
    what: `The URL for ${url.host || url.protocol} carries a user, a password or a query, which would stand in the YAML.`,
    why: 'Credentials reach the pod from a Secret.',
    next: 'Give the URL without them, and name the Secret with --store-secret',
  })
}
