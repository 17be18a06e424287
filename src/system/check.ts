import { openSorter } from './external-sort.ts'

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
  /** `sha256:…` of the inventory that was compared with. */
  inventoryDigest?: string
  /** What it was compared with, beside or instead of an inventory. */
  against?: string
  /** What was read back, and not only asked for. */
  read?: { files: number; bytes: number }
  /** Who asked, as the other side knows him; never a secret. */
  authenticatedAs?: string
  /** Certificates were not checked. */
  insecureTls?: true
}

/** Which verdicts are wanted, and which of them are bad. */
export interface CheckPolicy {
  /** Names, or beginnings before a `*`. Absent: all. */
  only?: readonly string[]
  /** As `only`; it counts where both name a check. */
  skip?: readonly string[]
  /** `warning`: what can't be proved is bad, too. */
  failOn: 'failed' | 'warning'
}

const everyCheck: CheckPolicy = { failOn: 'failed' }

type CheckCounts = Record<CheckStatus, number>

/**
 * The result of everything that compares; with as many checks as there are objects in a store, which is more than
 * memory may hold.
 */
export interface CheckReport {
  /** False as soon as one check is bad by the policy. */
  ok: boolean
  target: string
  summary: CheckSummary
  /** Some checks were left out by the policy. */
  partial: boolean
  counts: CheckCounts
  byMethod: Record<CheckMethod, CheckCounts>
  /** The worst first; can be read again. */
  checks: AsyncIterable<Check>
}

/** Gathers checks for a report. */
export interface CheckLog {
  /** Gives a promise, to be awaited, when memory is full and has to be written first. */
  add(check: Check): Promise<void> | undefined
  /** Whether the policy wants a check: costly ones are not made in vain. */
  wants(name: string): boolean
  report(target: string, summary: CheckSummary): CheckReport
  /** When the report's checks have been read. */
  close(): Promise<void>
}

export function openCheckLog(policy: CheckPolicy = everyCheck): CheckLog {
  const sorter = openSorter<Check>((a, b) => worstFirst.indexOf(a.status) - worstFirst.indexOf(b.status))
  const counts = noCounts()
  const byMethod: Record<CheckMethod, CheckCounts> = {
    'listing-checksum': noCounts(),
    'stat-checksum': noCounts(),
    etag: noCounts(),
    size: noCounts(),
    content: noCounts(),
    structure: noCounts(),
  }
  const wants = (name: string) => isWanted(name, policy)
  return {
    wants,
    add(check) {
      if (!wants(check.name)) return undefined
      counts[check.status] += 1
      byMethod[check.method][check.status] += 1
      return sorter.add(check)
    },
    report(target, summary) {
      const bad = policy.failOn === 'failed' ? counts.failed : counts.failed + counts.warning + counts['not-provable']
      const partial = policy.only !== undefined || policy.skip !== undefined
      const checks = { [Symbol.asyncIterator]: () => sorter.read() }
      return { ok: bad === 0, target, summary, partial, counts, byMethod, checks }
    },
    close: () => sorter.clear(),
  }
}

/** `pattern`: a name, or the beginning of some before a `*`. */
export function matchesCheck(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function isWanted(name: string, { only, skip }: CheckPolicy): boolean {
  const among = (patterns: readonly string[]) => patterns.some(pattern => matchesCheck(name, pattern))
  return (only === undefined || among(only)) && !(skip !== undefined && among(skip))
}

function noCounts(): CheckCounts {
  return { ok: 0, warning: 0, failed: 0, 'not-provable': 0 }
}
