export interface BenchContext {
  /** What happens, for whoever waits. */
  say: (line: string) => void
  credentials: { accessKeyId: string; secretAccessKey: string }
}
