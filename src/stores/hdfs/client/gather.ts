import { setTimeout as wait } from 'node:timers/promises'

/** What became of one item of a call. */
export type Outcome<T> = { value: T } | { error: unknown }

interface Waiting<I, O> {
  item: I
  signal: AbortSignal
  resolve: (value: O) => void
  reject: (error: unknown) => void
}

/** Items that come within this are of the first call; what comes while one runs is of the next. */
const gatherMs = 20

/** Characters of names in a call: a process takes 128 KiB of one kind and 2 MiB in all (execve), with its environment. */
const mostCharacters = 200_000

/** What comes at the same time goes in one call, and one call at a time runs. */
export function gather<I, O>(
  run: (items: readonly I[], signal: AbortSignal) => Promise<readonly Outcome<O>[]>,
  { most, lengthOf }: { most: number; lengthOf: (item: I) => number },
): (item: I, signal: AbortSignal) => Promise<O> {
  const waiting: Waiting<I, O>[] = []
  let running = false

  const take = (): Waiting<I, O>[] => {
    let characters = 0
    const fitting = waiting.findIndex(({ item }, index) => {
      characters += lengthOf(item)
      return index > 0 && (index === most || characters > mostCharacters)
    })
    const taken = waiting.splice(0, fitting === -1 ? waiting.length : fitting)
    return taken.filter(({ signal }) => !signal.aborted)
  }
  const runOne = async (batch: readonly Waiting<I, O>[]): Promise<void> => {
    const { signal, forget } = allAborted(batch.map(one => one.signal))
    try {
      const outcomes = await run(
        batch.map(({ item }) => item),
        signal,
      )
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index] ?? { error: new RangeError('An item of a call has no outcome.') }
        if ('value' in outcome) resolve(outcome.value)
        else reject(outcome.error)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      forget()
    }
  }
  const runAll = async (): Promise<void> => {
    running = true
    await wait(gatherMs)
    while (waiting.length > 0) {
      const batch = take()
      if (batch.length > 0) await runOne(batch)
    }
    running = false
  }
  return async (item, signal) => {
    signal.throwIfAborted()
    return await new Promise<O>((resolve, reject) => {
      const abort = () => reject(signal.reason)
      signal.addEventListener('abort', abort, { once: true })
      const settle = () => signal.removeEventListener('abort', abort)
      waiting.push({
        item,
        signal,
        resolve(value) {
          settle()
          resolve(value)
        },
        reject(error) {
          settle()
          reject(error)
        },
      })
      if (!running) void runAll()
    })
  }
}

/** A call is stopped once nobody waits for it any more. */
function allAborted(signals: readonly AbortSignal[]): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController()
  const check = () => {
    if (signals.every(({ aborted }) => aborted)) controller.abort(signals[0]?.reason)
  }
  for (const signal of signals) signal.addEventListener('abort', check)
  return {
    signal: controller.signal,
    forget() {
      for (const signal of signals) signal.removeEventListener('abort', check)
    },
  }
}
