import type { Phase } from '../phase.ts'
import type { Watcher } from '../watcher.ts'

/** A kind of store, as far as the campaign has to know it. One of these is all that a further kind needs. */
export interface CampaignStore {
  /** As `--store` has it. */
  name: string
  /** nimctl's, where it is not its default. */
  layout?: 'tar'
  /** What an upload goes through, and is killed at; content comes on top. */
  phases: readonly Phase[]
  /**
   * The store says what an object holds that lies there. Where it does not, the journal alone does, and an object that
   * became whole just before the kill is sent again.
   */
  tellsContent: boolean
  /** Files in parts, at most, that are begun at once and of which no part is kept. Absent: parts are kept. */
  mostBegun?: number
  /** Downloads are killed as well. */
  downloads: boolean
  /** Starts a server that holds nothing, or finds another empty place. */
  start(): Promise<RunningStore>
}

export interface RunningStore {
  url: (prefix: string) => string
  /** What nimctl needs to come by way of the watcher. */
  env: Readonly<Record<string, string>>
  /** The same on the command line. */
  flags?: readonly string[]
  watcher: Watcher
  view: View
  stop(): Promise<void>
}

/** Looks into a store without anything of nimctl's. Keys have the prefix cut off. */
export interface View {
  /** Bytes by key. */
  sizes(prefix: string): Promise<Map<string, number>>
  /** Whole, by its key with the prefix. */
  read(key: string): Promise<Uint8Array>
  /** What an upload left behind that somebody would find or pay for: of each a name. */
  leftovers(prefix: string): Promise<string[]>
  clear(prefix: string): Promise<void>
}
