import { openSorter, type Sorter } from './external-sort.ts'

/** How a check came to its verdict, best proof first. */
export type CheckMethod = 'listing-checksum' | 'stat-checksum' | 'etag' | 'size' | 'content' | 'structure'

/** `not-provable`: nothing speaks against it, but what lies there can't prove it either. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'not-provable'

export const worstFirst: readonly CheckStatus[] = ['failed', 'warning', 'not-provable', 'ok']

/** One verdict. `name` is stable (`store.blob-missing`); `path` names the key or file it is about. */
export interface Check {
  name: string
  status: CheckStatus
  method: CheckMethod
  path?: string
  expected?: string
  found?: string
  /** What to do about it. */
  next?: string
}

export interface CheckSummary {
  models: string[]
  profiles: string[]
  files: number
  bytes: number
}

/** The result of everything that compares. `ok` is false as soon as one check failed. */
export interface CheckReport {
  ok: boolean
  target: string
  summary: CheckSummary
  checks: Check[]
}

export function checkReport(target: string, summary: CheckSummary, checks: Check[]): CheckReport {
  return { ok: checks.every(check => check.status !== 'failed'), target, summary, checks }
}

/** A report with as many checks as there are objects in a store: more than memory may hold. */
export interface LongCheckReport extends Omit<CheckReport, 'checks'> {
  /** The worst first; to be read once. */
  checks: AsyncIterable<Check>
  /** When the checks have been read. */
  close(): Promise<void>
}

/** Gathers checks for a `LongCheckReport`. */
export interface CheckLog extends Pick<Sorter<Check>, 'add'> {
  close(): Promise<void>
  report(target: string, summary: CheckSummary): LongCheckReport
}

export function openCheckLog(): CheckLog {
  const checks = openSorter<Check>((a, b) => worstFirst.indexOf(a.status) - worstFirst.indexOf(b.status))
  let ok = true
  return {
    add(check) {
      if (check.status === 'failed') ok = false
      return checks.add(check)
    },
    report: (target, summary) => ({ ok, target, summary, checks: checks.read(), close: () => checks.clear() }),
    close: () => checks.clear(),
  }
}
