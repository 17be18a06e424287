/** The first line of an asciicast, version 2: https://docs.asciinema.org/manual/asciicast/v2/ */
export interface CastHeader {
  version: 2
  width: number
  height: number
  title: string
}

/** Seconds since the start, `o` for output, what was shown. */
export type CastEvent = [seconds: number, type: 'o', shown: string]

export interface Shown {
  /** Milliseconds since any moment. */
  atMs: number
  text: string
}

/** As it happened, but that no pause is longer than `longestPauseMs`: nobody wants to watch a computer wait. */
export function renderCast(header: CastHeader, shown: readonly Shown[], longestPauseMs: number): string {
  let atMs = 0
  let before = shown[0]?.atMs ?? 0
  const events = shown.map(({ atMs: now, text }): CastEvent => {
    atMs += Math.min(now - before, longestPauseMs)
    before = now
    return [Math.round(atMs) / 1000, 'o', text.replaceAll('\n', '\r\n')]
  })
  return [header, ...events].map(line => `${JSON.stringify(line)}\n`).join('')
}

export function parseCast(text: string): { header: CastHeader; events: CastEvent[] } {
  const [header, ...events] = text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  return { header, events }
}
