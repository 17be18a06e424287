export interface Rate {
  add(amount: number): void
  /** Of the last 20 seconds, or since it was opened where that is less; 0 after a long silence. */
  perSecond(): number
}

/** Long enough that parts which arrive together make no leaps, short enough that a stall is soon forgotten. */
const windowSeconds = 20

/** How fast something goes, in the recent past. @param now milliseconds since any fixed moment. */
export function openRate(now: () => number): Rate {
  const openedMs = now()
  const slots: { second: number; amount: number }[] = []
  // The one that ends next: what arrives took the time before.
  const second = () => Math.ceil(now() / 1000)
  const oldest = () => second() - windowSeconds + 1

  return {
    add(amount) {
      const last = slots.at(-1)
      if (last?.second === second()) last.amount += amount
      else slots.push({ second: second(), amount })
      while ((slots[0]?.second ?? oldest()) < oldest()) slots.shift()
    },
    perSecond() {
      const spanMs = now() - Math.max(openedMs, (oldest() - 1) * 1000)
      const amount = slots.reduce((sum, slot) => (slot.second < oldest() ? sum : sum + slot.amount), 0)
      return spanMs > 0 ? (amount / spanMs) * 1000 : 0
    },
  }
}
