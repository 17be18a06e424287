/** How a check came to its verdict, best proof first. */
export type CheckMethod = 'listing-checksum' | 'stat-checksum' | 'etag' | 'size' | 'content' | 'structure'

/** `not-provable`: nothing speaks against it, but what lies there can't prove it either. */
export type CheckStatus = 'ok' | 'warning' | 'failed' | 'not-provable'

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
