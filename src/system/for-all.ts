import pMap from 'p-map'

/**
 * Runs work beside each other, and leaves nothing running behind: when one fails, the others are told to stop and are
 * waited for, so that what they use can be closed.
 *
 * @param run gets the signal to pass on.
 * @returns the results in the order of `items`.
 * @throws the first error; the signal's reason when it aborted.
 */
export async function forAll<T, R>(
  items: Iterable<T>,
  run: (item: T, signal: AbortSignal) => Promise<R>,
  { concurrency, signal }: { concurrency: number; signal: AbortSignal },
): Promise<R[]> {
  const failing = new AbortController()
  const stop = AbortSignal.any([signal, failing.signal])
  const failures: unknown[] = []
  const results: R[] = []
  await pMap(
    items,
    async (item, index) => {
      if (stop.aborted) return
      try {
        results[index] = await run(item, stop)
      } catch (error) {
        failures.push(error)
        failing.abort(error)
      }
    },
    { concurrency },
  )
  signal.throwIfAborted()
  if (failures.length > 0) throw failures[0]
  return results
}
