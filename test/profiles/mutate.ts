import type { Seeded } from '../seeded.ts'

/** A line of a list, and whether anything was done to it that may have taken away what it says. */
export interface MutatedLine {
  text: string
  isHurt: boolean
}

type Mutation = (lines: MutatedLine[], random: Seeded) => MutatedLine[]

/** What terminals, editors, mail and tired hands do to a list. Those that only dress a line leave it unhurt. */
const mutations: Record<string, Mutation> = {
  /** From the middle of one line to the middle of a later one; what is left of both becomes one line. */
  cut(lines, random) {
    const from = random.below(lines.length)
    const to = Math.min(lines.length - 1, from + random.below(4))
    const [first, last] = [lines[from]?.text ?? '', lines[to]?.text ?? '']
    const rest = first.slice(0, random.below(first.length + 1)) + last.slice(random.below(last.length + 1))
    return lines.toSpliced(from, to - from + 1, { text: rest, isHurt: true })
  },
  cutEnd(lines, random) {
    const at = random.below(lines.length)
    const text = lines[at]?.text ?? ''
    return [...lines.slice(0, at), { text: text.slice(0, random.below(text.length + 1)), isHurt: true }]
  },
  cutStart(lines, random) {
    const at = random.below(lines.length)
    const text = lines[at]?.text ?? ''
    return [{ text: text.slice(random.below(text.length + 1)), isHurt: true }, ...lines.slice(at + 1)]
  },
  double(lines, random) {
    const at = random.below(lines.length)
    return lines.flatMap((line, index) => (index === at ? [line, line] : [line]))
  },
  doubleAll: lines => lines.flatMap(line => [line, line]),
  carriageReturns: lines => lines.map(line => ({ ...line, text: `${line.text}\r` })),
  aCarriageReturn: (lines, random) => changeOne(lines, random, text => `${text}\r`),
  colours: (lines, random) =>
    lines.map(line => {
      // Not into another escape, which would be torn by it.
      const at = random.below(line.text.length + 1 - (escaped.exec(line.text)?.[0].length ?? 0))
      const end = line.text.length - at
      return { ...line, text: line.text.slice(0, end) + random.pick(colourCodes) + line.text.slice(end) }
    }),
  aTitle: (lines, random) => changeOne(lines, random, text => `\u001B]0;nim@host: ~\u0007${text}`),
  indent: (lines, random) => lines.map(line => ({ ...line, text: random.pick(indents) + line.text })),
  noIndent: lines => lines.map(line => ({ ...line, text: line.text.trimStart() })),
  anIndent: (lines, random) => changeOne(lines, random, text => random.pick(indents) + text.trimStart()),
  spacesBehind: lines => lines.map(line => ({ ...line, text: `${line.text}  \t` })),
  emptyLines: lines => lines.flatMap(line => [line, { text: '', isHurt: false }]),
  /** A log line between two others. */
  log(lines, random) {
    const log = `2025-11-02T10:00:00.52Z  INFO nim_hub: File: ${'ab12'.repeat(16)} found in cache: "/opt/nim/.cache"`
    return lines.toSpliced(random.below(lines.length + 1), 0, { text: log, isHurt: false })
  },
  garble(lines, random) {
    const at = random.below(lines.length)
    const garbled = random.bytes(random.below(40)).toString('latin1').replaceAll('\n', '')
    return lines.toSpliced(at, 1, { text: garbled, isHurt: true })
  },
}

const colourCodes = ['\u001B[32m', '\u001B[0m', '\u001B[1;31m', '\u001B[K', '\u001B[2K', '\u001B[38;5;12m', '\u001B(B']

/** All up to the last escape of a line. */
// oxlint-disable-next-line no-control-regex -- what a terminal is told
const escaped = /^.*(?:\u001B\[[0-9;]*[A-Za-z]|\u0007|\u001B\(B)/

const indents = ['', ' ', '  ', '\t', '\t  ', '      ', '\u00A0 ']

function changeOne(lines: MutatedLine[], random: Seeded, change: (text: string) => string): MutatedLine[] {
  const at = random.below(lines.length)
  return lines.map((line, index) => (index === at ? { ...line, text: change(line.text) } : line))
}

/** One to four mutations, one after the other. */
export function mutate(text: string, random: Seeded): { lines: MutatedLine[]; names: string[] } {
  let lines: MutatedLine[] = text.split('\n').map(line => ({ text: line, isHurt: false }))
  const names = Array.from({ length: 1 + random.below(4) }, () => random.pick(Object.keys(mutations)))
  for (const name of names) lines = mutations[name]?.(lines, random) ?? lines
  return { lines, names }
}
