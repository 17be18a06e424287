/** Places that are taken and given back. Whoever asked first is served first. */
export interface Turns {
  take(): Promise<void>
  give(): void
  /** Somebody waits for one. */
  wanted(): boolean
}

export function openTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let taken = 0
  return {
    async take() {
      if (taken < most) taken += 1
      else await new Promise<void>(resolve => waiting.push(resolve))
    },
    give() {
      const next = waiting.shift()
      if (next === undefined) taken -= 1
      else next()
    },
    wanted: () => waiting.length > 0,
  }
}
