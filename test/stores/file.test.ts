import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import { withRetry } from '../../src/stores/retry.ts'
import type { Store, Upload } from '../../src/stores/store.ts'
import { withTrace } from '../../src/stores/trace.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { type ProgressEvent, silent } from '../../src/system/progress.ts'
import { describeStoreContract } from './contract.ts'

let directory: string
let stores = 0

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nimctl-file-store-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

const open = () => openStore(pathToFileURL(join(directory, `store-${stores++}`)), {})

describeStoreContract('file', open)

describeStoreContract('file, traced', async () => withTrace(await open(), silent))

describeStoreContract('file, retried and traced, every fifth call failing', async () =>
  withRetry(
    withTrace(unreliable(await open()), event => seen.push(event)),
    { maxRetries: 8, firstWaitMs: 1, longestWaitMs: 1 },
    silent,
  ),
)

const seen: ProgressEvent[] = []

it('every fifth call has failed indeed', () => {
  const requests = seen.filter(event => event.event === 'request')
  const failed = requests.filter(({ outcome }) => outcome === 'STORE_IO_FAILED')
  expect(failed.length / requests.length).toBeGreaterThan(0.15)
})

let calls = 0

/** Half of those that fail have done their work: only the answer is lost. */
async function sometimes<T>(call: () => Promise<T>, { once = false } = {}): Promise<T> {
  const number = calls++
  if (number % 5 !== 4) return await call()
  if (number % 2 === 0 && !once) await call()
  throw new NimctlError('unavailable', 'STORE_IO_FAILED', { what: 'The share went away.' })
}

function unreliable(store: Store): Store {
  const { abortUpload } = store
  return {
    ...store,
    list: (...args) => sometimes(() => store.list(...args)),
    stat: (...args) => sometimes(() => store.stat(...args)),
    // Nobody could tell afterwards who has created it.
    put: (...args) => sometimes(() => store.put(...args), { once: args[3].ifAbsent === true }),
    openUpload: async (...args) => unreliableUpload(await sometimes(() => store.openUpload(...args), { once: true })),
    ...(abortUpload && { abortUpload: (...args) => sometimes(() => abortUpload(...args)) }),
    copy: (...args) => sometimes(() => store.copy(...args)),
    read: (...args) => sometimes(() => store.read(...args), { once: true }),
    remove: (...args) => sometimes(() => store.remove(...args)),
  }
}

function unreliableUpload(upload: Upload): Upload {
  return {
    ...upload,
    putPart: (...args) => sometimes(() => upload.putPart(...args)),
    complete: (...args) => sometimes(() => upload.complete(...args), { once: true }),
    abort: () => sometimes(() => upload.abort()),
  }
}
