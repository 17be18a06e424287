import { noSecret, type StoreAccess } from './store-access.ts'

/** A NIMCache has no field for another volume: its Job mounts the claim and nothing else (reference/operator.md, section 3). */
export function fileAccess(url: URL): StoreAccess {
  const warning =
    `${url.href} is a directory of this machine, which no pod can see: the loader will fail. ` +
    'Upload the cache to a store that the cluster reaches, and name that one with --cache or --store-url s3://BUCKET/PREFIX.'
  return {
    env: [],
    flags: [],
    secret: noSecret,
    warnings: [warning],
  }
}
