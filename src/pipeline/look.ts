import { NimctlError } from '../system/errors.ts'

export interface DoctorFinding {
  name: string
  status: 'ok' | 'warning' | 'failed'
  found: string
  next?: string
}

/** What came of looking at one thing; a failure is a finding too, a bug is not. */
export async function look(name: string, examineIt: () => Promise<string>): Promise<DoctorFinding> {
  try {
    return { name, status: 'ok', found: await examineIt() }
  } catch (error) {
    if (!(error instanceof NimctlError)) throw error
    const { message, why, next } = error
    const found = [message, why].filter(Boolean).join(' ')
    return { name, status: 'failed', found, ...(next !== undefined && { next }) }
  }
}
