import type { InventoryHeader, InventoryProfile, Layout, Links } from '../inventory/inventory.ts'
import type { ModelManifest } from '../profiles/model-manifest.ts'
import type { Store } from '../stores/store.ts'
import type { Check } from '../system/check.ts'
import type { NamedObject } from '../transfer/compare.ts'
import type { SourceSums } from '../transfer/expected-content.ts'
import { parseModelKey } from '../transfer/key-layout.ts'
import { listObjects } from '../transfer/listing.ts'

/** What a store is compared with, where its own inventory is not enough or there is none. */
export type Against =
  | { type: 'directory'; directory: string; stateDirectory: string }
  | { type: 'store'; store: Store }
  | { type: 'image'; reference: string; manifest: ModelManifest }

/** What should lie under a prefix, by whoever says it. */
export interface Expectation {
  layout: Layout
  models: string[]
  profiles: readonly InventoryProfile[]
  /** Image that it came from, where that is known. */
  imageDigest?: string
  files: number
  /** Bytes. */
  bytes: number
  sums?: SourceSums
  isExtra?: (key: string) => boolean
  /** Verdicts that no object stands for. */
  checks?: Check[]
  close?: () => Promise<void>
}

export interface AgainstRequest {
  store: Store
  /** The store's own inventory, where it has one. */
  header: InventoryHeader | undefined
  /** Takes what should be there. */
  add: (object: NamedObject) => Promise<void> | undefined
  signal: AbortSignal
}

/** How keys are made under a prefix: as its inventory says, else as the first key of a model shows. */
export async function findLayout({
  store,
  header,
  signal,
}: AgainstRequest): Promise<{ layout: Layout; links: Links } | undefined> {
  if (header !== undefined) return header
  for await (const { key } of listObjects(store, '', signal)) {
    const layout = parseModelKey(key)?.layout
    // What another tool copied has a link's content under the link's name, or nothing.
    if (layout !== undefined) return { layout, links: 'copy' }
  }
  return undefined
}
