import type { Inventory } from '../../inventory/inventory.ts'
import type { Report } from '../../system/progress.ts'
import type { Destination, MirrorConfig } from '../config/schema.ts'

/** How a command of nimctl ended. */
export interface CommandOutcome {
  /** `undefined` when a signal ended it. */
  exitCode: number | undefined
  /** What it printed with `--json`. */
  document: Readonly<Record<string, unknown>>
}

/** What lies at a destination. */
export interface StoredState {
  inventory: Inventory
  /** `sha256:…` of the inventory. */
  digest: string
  /** Every key that the inventory names is there. */
  complete: boolean
}

/**
 * What a run asks of nimctl. Each step is a command line that a person could type as well: one way to do each thing, a
 * process that can be stopped, and memory that is given back.
 */
export interface Toolbox {
  /** `--json` is added. Standard error goes to `report`. @param options.env beside our own. */
  command(
    args: readonly string[],
    options: { signal: AbortSignal; report: Report; env?: Readonly<Record<string, string>> },
  ): Promise<CommandOutcome>
  /** Asks the registry of a mirror. @returns `undefined` where nobody can say. */
  digestOf(image: string, mirror: MirrorConfig, signal: AbortSignal): Promise<string | undefined>
  /** Asks a store, by listing alone. @param image which one, where several share a bucket. */
  lookAt(
    place: PlacedDestination,
    image: { reference: string; digest: string } | undefined,
    signal: AbortSignal,
  ): Promise<StoredState | undefined>
}

/** A destination with its prefix filled in. */
export interface PlacedDestination extends Destination {
  prefix: string
  /** As commands take it: `@store/prefix`. */
  argument: string
}
