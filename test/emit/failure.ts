import { NimctlError } from '../../src/system/errors.ts'

/** The error that a call throws, to be compared field by field. */
export function failureOf(call: () => unknown): NimctlError {
  try {
    call()
  } catch (error) {
    if (error instanceof NimctlError) return error
    throw error
  }
  throw new Error('Nothing was thrown.')
}
