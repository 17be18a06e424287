import { NimctlError } from '../system/errors.ts'
import type { Store } from './store.ts'

/** The same store, in which nothing can be changed: for commands that promise not to write. */
export function readOnly(store: Store): Store {
  const refuse = async (): Promise<never> => {
    throw new NimctlError('usage', 'STORE_READ_ONLY', { what: `${store.url.href} was opened for reading only.` })
  }
  return {
    ...store,
    ...(store.copyFrom && { copyFrom: refuse }),
    put: refuse,
    openUpload: refuse,
    abortUpload: refuse,
    copy: refuse,
    remove: refuse,
  }
}
