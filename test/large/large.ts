import { parseArgs } from 'node:util'

import { measureLargeFile } from './large-file.ts'
import { largeStores } from './large-stores.ts'
import { measureObjects } from './objects.ts'
import { measureNimctl, mostMemory, type Peak } from './peak.ts'

const parts: Record<string, (help: Peak, say: (line: string) => void, gibibytes: number) => Promise<boolean>> = {
  objects: measureObjects,
  ...Object.fromEntries(
    largeStores.map(store => [
      store.name,
      (help: Peak, say: (line: string) => void, gibibytes: number) =>
        measureLargeFile(store, { help, say, size: gibibytes * 2 ** 30 }),
    ]),
  ),
}

const usage = `npm run test:large -- [--only PART,…] [--gibibytes N]
  --only        of ${Object.keys(parts).join(', ')}
  --gibibytes   of the file that goes to each store (6)
`

const say = (line: string) => void process.stdout.write(`${line}\n`)

/** What fails at one hides none of the others. */
async function measureAll({ only, gibibytes }: { only: string[]; gibibytes: number }): Promise<boolean> {
  const help = await measureNimctl(['--help'])
  const mebibytes = (bytes: number) => Math.round(bytes / 2 ** 20)
  say(`nimctl --help: ${mebibytes(help.memory)} MiB. Goal: at most ${mebibytes(mostMemory)} MiB above it.`)
  const failed: string[] = []
  for (const name of only) {
    const met = await parts[name]?.(help, say, gibibytes).catch((error: unknown) => {
      say(`${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
      return false
    })
    if (met !== true) failed.push(name)
  }
  if (failed.length > 0) say(`Failed: ${failed.join(', ')}.`)
  return failed.length === 0
}

function readOptions() {
  const { values } = parseArgs({ options: { only: { type: 'string' }, gibibytes: { type: 'string', default: '6' } } })
  const only = values.only?.split(',') ?? Object.keys(parts)
  const unknown = only.filter(name => !(name in parts))
  if (unknown.length > 0) throw new Error(`There is no part ${unknown.join(', ')}.`)
  const gibibytes = Number(values.gibibytes)
  if (!(gibibytes > 0)) throw new Error(`--gibibytes ${values.gibibytes}: expected a number above 0.`)
  return { only, gibibytes }
}

try {
  process.exitCode = (await measureAll(readOptions())) ? 0 : 1
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  process.exitCode = 2
}
