import { isRetryable } from '../../system/errors.ts'

/** Answers by what was asked. */
export type Answers<T> = Map<string, T>

/**
 * What takes many requests is tried again as a whole when one of them fails. So that it gets further each time, the
 * answers that came are kept for the next try, and for that alone.
 */
export interface Recall<T> {
  /** @param task names what is done: a next try has the same name. */
  during<R>(task: string, run: (answers: Answers<T>) => Promise<R>): Promise<R>
}

export function openRecall<T>(): Recall<T> {
  const left = new Map<string, Answers<T>>()
  return {
    async during(task, run) {
      const answers = left.get(task) ?? new Map<string, T>()
      left.delete(task)
      try {
        return await run(answers)
      } catch (error) {
        if (isRetryable(error)) left.set(task, answers)
        throw error
      }
    },
  }
}
