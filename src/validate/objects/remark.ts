import type { Check } from '../../system/check.ts'

/** A verdict on a part of one object; `path` leads to it from the object's root. */
export interface Remark extends Pick<Check, 'name' | 'status' | 'expected' | 'found' | 'next'> {
  path: string
}
