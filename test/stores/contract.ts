import { describe } from 'vitest'

import type { Store } from '../../src/stores/store.ts'
import { copiesContract } from './contract-copies.ts'
import { listingContract } from './contract-listing.ts'
import { multipartContract, resumingContract } from './contract-multipart.ts'
import { objectContract } from './contract-objects.ts'
import { nastyKeys } from './contract-tools.ts'
import { etagContract, uploadsContract } from './contract-uploads.ts'

interface Limits {
  tellsUploads?: boolean
  resumes?: boolean
  severalPages?: number
}

/**
 * What the port promises (src/stores/store.ts). Every kind of store passes it against its real server, and so does
 * every wrapper.
 *
 * @param open gives an empty store each time.
 * @param unlike keys that this server is known to change, so that nobody can keep the promise for them.
 * @param tellsUploads the store has `listUploads`.
 * @param resumes the server keeps an upload that is asked how far it came.
 * @param severalPages how many objects no page of its listings holds.
 */
export function describeStoreContract(
  name: string,
  open: () => Promise<Store>,
  unlike: readonly string[] = [],
  { tellsUploads = true, resumes = true, severalPages }: Limits = {},
): void {
  const keys = nastyKeys.filter(key => !unlike.includes(key))
  describe(`the contract of stores: ${name}`, () => {
    objectContract(open, keys)
    listingContract(open, keys, severalPages)
    multipartContract(open)
    if (resumes) resumingContract(open)
    etagContract(open)
    if (tellsUploads) uploadsContract(open)
    copiesContract(open, keys)
  })
}
