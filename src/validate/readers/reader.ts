import type { InventoryHeader, Layout } from '../../inventory/inventory.ts'
import type { StoredObject } from '../../stores/store.ts'
import type { Check } from '../../system/check.ts'
import type { ReaderAddress } from './address.ts'

/** Who reads the store in place of nimctl. */
export type ReaderName = 'nim' | 'kserve' | 'hm' | 'aws-sync'

/** What a reader does with a store, as rules. None of them asks the store for anything. */
export interface Reader {
  /** For people. */
  title: string
  /** Others it can't read at all. */
  layouts: readonly Layout[]
  /** @throws NimctlError `usage` for an address that can't be given to it. */
  requireAddress(address: ReaderAddress): void
  /** @param header absent where no inventory says what lies there. */
  checkAddress(address: ReaderAddress, header: InventoryHeader | undefined): Check[]
  /** It takes everything whose key begins with the prefix, the neighbours `prefix-b/…` too. */
  takesSiblings(address: ReaderAddress): boolean
  /** It passes over an object without a word. */
  drops(object: StoredObject, address: ReaderAddress): boolean
  /** It unpacks a file of this name, where it is all that there is. */
  unpacks?(key: string): boolean
  /** It asks a web server for the archive, and looks at the type that the server gives. */
  checkContentType?(contentType: string | undefined, address: ReaderAddress): Check[]
  /** What it makes of one key. */
  checkObject(object: StoredObject, address: ReaderAddress): Check[]
  /** It writes each object to a path, where a file can't have the name of a folder. */
  writesPaths: boolean
  checkHeader?(header: InventoryHeader): Check[]
  /** @param roots folders in which `models--…` lie, relative to the address: `ngc/hub` where it is as NIMs leave it. */
  checkHubs?(roots: readonly string[], address: ReaderAddress, header: InventoryHeader | undefined): Check[]
}

/** A verdict about names, which is all that these rules look at. */
export function structural(check: Omit<Check, 'method'>): Check {
  return { ...check, method: 'structure' }
}
