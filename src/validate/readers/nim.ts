import { checkOverrideUrl } from '../../nim/repository-override.ts'
import type { StoredObject } from '../../stores/store.ts'
import type { Check } from '../../system/check.ts'
import type { ReaderAddress } from './address.ts'
import { structural, type Reader } from './reader.ts'

/** A NIM with NIM_REPOSITORY_OVERRIDE: it asks for single keys and lists nothing (reference/nim.md 5.1). */
export const nim: Reader = {
  title: 'A NIM with NIM_REPOSITORY_OVERRIDE',
  layouts: ['ngc'],
  requireAddress: ({ text }) => checkOverrideUrl(new URL(text)),
  checkAddress: checkBucketName,
  takesSiblings: () => false,
  drops: () => false,
  checkObject: checkKey,
  writesPaths: false,
}

/** The NIM asks for `bucket.host`: the name has to be one label of a host, which a wildcard certificate covers. */
function checkBucketName({ authority, text }: ReaderAddress): Check[] {
  const name = 'reader.bucket-name'
  if (/^[a-z0-9][a-z0-9-]*[a-z0-9]$/.test(authority)) return [structural({ name, status: 'ok', path: text })]
  return [
    structural({
      name,
      status: 'warning',
      path: text,
      expected: 'small letters, digits and hyphens',
      found: authority,
      next: 'A NIM asks for BUCKET.HOST, which TLS and DNS may not take with this name: use another bucket.',
    }),
  ]
}

const ngcAddress = /^[^/:?%]+(?:\/[^/:?%]+){1,2}:[^/?%]+\?file=.+$/

/** Keys that are an NGC address in another spelling: nobody asks for them. */
function checkKey({ key }: StoredObject): Check[] {
  const address = decodeFully(key)
  if (!ngcAddress.test(address) || encodeURIComponent(address) === key) return []
  return [
    structural({
      name: 'reader.key',
      status: 'failed',
      path: key,
      expected: encodeURIComponent(address),
      found: 'another spelling of it',
      next: 'Upload with nimctl upload --layout ngc: the NIM asks for exactly the other key.',
    }),
  ]
}

const mostEncodings = 3

function decodeFully(key: string): string {
  let text = key
  for (let round = 0; round < mostEncodings; round++) {
    try {
      text = decodeURIComponent(text)
    } catch (error) {
      if (error instanceof URIError) return text
      throw error
    }
  }
  return text
}
