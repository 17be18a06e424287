import type { Report } from '../system/progress.ts'

/** What a command needs from the process that runs it. Nothing else below reads the environment or prints. */
export interface Context {
  env: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
  report: Report
  /**
   * The command's one result: text for a person, one JSON document with `--json`. With `ok: false` the exit code is 3, or what `exitCode` says.
   *
   * @param fields of the document, as cli.md promises them.
   */
  print(kind: string, fields: object, forPeople: () => string): void
  /** As `print`, for a document with a list that may be longer than memory. */
  printLong(
    kind: string,
    fields: object,
    list: { name: string; items: Iterable<unknown> | AsyncIterable<unknown>; forPeople: () => Promise<string> },
  ): Promise<void>
  readStdin(): Promise<string>
}
