/** What an upload does for a destination. `copy` is done by the store: before `send` from another store, after it for links. */
export type Phase = 'compare' | 'send' | 'copy' | 'verify' | 'publish' | 'done'

type Action = 'uploaded' | 'copied' | 'skipped' | 'downloaded' | 'removed' | 'checked'

/** What a long-running operation tells whoever watches it. Plain data, so `--progress json` can print it as it is. */
export type ProgressEvent =
  /** A task begins. Totals are given where they are known beforehand. */
  | { event: 'started'; task: string; totalBytes?: number; totalFiles?: number }
  /**
   * What a task does for one of its destinations from now on. Totals that are given take the place of former ones;
   * `verify` counts its files anew.
   */
  | { event: 'phase'; destination: string; phase: Phase; totalBytes?: number; totalFiles?: number }
  /**
   * Bytes that have arrived where they belong since the last event: acknowledged by the store, or on the disk; where
   * contents are checked, read.
   * `resumed`: they were there before this run, and no time was spent on them.
   */
  | { event: 'bytes'; destination?: string; key: string; bytes: number; resumed?: boolean }
  | { event: 'finished'; destination?: string; key: string; action: Action }
  | { event: 'ended'; task: string }
  | { event: 'retrying'; operation: string; attempt: number; waitMs: number; reason: string }
  /** A line of a program or container that runs on our behalf, already without secrets and control characters. */
  | { event: 'log'; source: string; line: string }
  /** One request to a store, as `--verbose` shows them. */
  | { event: 'request'; operation: string; durationMs: number; outcome: string }
  | { event: 'warning'; code: string; message: string }

export type Report = (event: ProgressEvent) => void

export const silent: Report = () => {}
