import { join } from 'node:path'

import { measurePeak, mostMemory, type Peak } from './peak.ts'

interface Row {
  task: 'json' | 'text' | 'list' | 'download'
  files: number
  order: 'sorted' | 'unsorted'
  state: 'whole' | 'broken'
  bound: boolean
}

const counts = [10_000, 100_000, 1_000_000]
const orders = ['sorted', 'unsorted'] as const
const million = { files: 1_000_000, bound: true } as const

const rows: Row[] = [
  ...orders.flatMap(order => counts.map((files): Row => ({ task: 'json', files, order, state: 'whole', bound: true }))),
  { ...million, task: 'json', order: 'unsorted', state: 'broken' },
  { ...million, task: 'text', order: 'unsorted', state: 'broken' },
  { ...million, task: 'list', order: 'unsorted', state: 'whole' },
  // Holds all entries, and says so.
  ...counts.map((files): Row => ({ task: 'download', files, order: 'sorted', state: 'whole', bound: false })),
]

const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)

/**
 * Inventories of up to a million entries against listings of as many objects, in a process of its own each.
 *
 * @param help what `nimctl --help` takes.
 * @returns whether all stayed within their bounds.
 */
export async function measureObjects(help: Peak, say: (line: string) => void): Promise<boolean> {
  let allMet = true
  for (const { task, files, order, state, bound } of rows) {
    const { memory, cpuSeconds, seconds } = await measurePeak([
      join(import.meta.dirname, 'large-main.ts'),
      task,
      String(files),
      order,
      state,
    ])
    const above = memory - help.memory
    const met = above <= mostMemory
    if (bound) allMet &&= met
    const verdict = bound ? (met ? 'met' : 'NOT MET') : 'no bound'
    const name = `${names[task]}, ${files} files, listed ${order}, ${state}`
    say(`${name}: ${mebibytes(above)} MiB above, ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s (${verdict})`)
  }
  return allMet
}

const names: Record<Row['task'], string> = {
  json: 'validate store --json',
  text: 'validate store',
  list: 'list',
  download: "download's inventory",
}
