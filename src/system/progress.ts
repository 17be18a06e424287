/** What a long-running operation tells whoever watches it. Plain data, so `--progress json` can print it as it is. */
export type ProgressEvent =
  /** A task begins. Totals are given where they are known beforehand. */
  | { event: 'started'; task: string; totalBytes?: number; totalFiles?: number }
  /** Bytes that have arrived where they belong since the last event: acknowledged by the store, or on the disk. */
  | { event: 'bytes'; key: string; bytes: number }
  | { event: 'finished'; key: string; action: 'uploaded' | 'copied' | 'skipped' | 'downloaded' | 'removed' | 'checked' }
  | { event: 'ended'; task: string }
  | { event: 'retrying'; operation: string; attempt: number; waitMs: number; reason: string }
  /** A line of a program or container that runs on our behalf, already without secrets and control characters. */
  | { event: 'log'; source: string; line: string }
  /** One request to a store, as `--verbose` shows them. */
  | { event: 'request'; operation: string; durationMs: number; outcome: string }
  | { event: 'warning'; code: string; message: string }

export type Report = (event: ProgressEvent) => void

export const silent: Report = () => {}
