import { expect, it } from 'vitest'

import type { Digests, RunningDigests } from '../../src/system/digest-threads.ts'
import { openWholeDigests } from '../../src/transfer/whole-digests.ts'

const { signal } = new AbortController()

/** Notes what it is given. */
function notes(): RunningDigests & { text: string } {
  return {
    text: '',
    async add(bytes) {
      this.text += Buffer.from(bytes).toString()
    },
    end: () => Promise.resolve<Digests>({ md5: new Uint8Array(16), blake3: new Uint8Array(32) }),
    drop: () => {},
  }
}

it('takes parts in their order, in whatever order they come', async () => {
  const running = notes()
  const whole = openWholeDigests(running)
  await Promise.all([3, 1, 4, 2].map(number => whole.add(number, Buffer.from(String(number)), signal)))
  expect(running.text).toBe('1234')
})

it('waits no longer for a part that failed', async () => {
  const failing = new AbortController()
  const whole = openWholeDigests(notes())
  const second = whole.add(2, Buffer.from('2'), failing.signal)
  failing.abort(new Error('the first part failed'))
  await expect(second).rejects.toThrow('the first part failed')
  await expect(whole.add(3, Buffer.from('3'), failing.signal)).rejects.toThrow('the first part failed')
})
