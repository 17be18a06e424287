import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { findProgram } from '../servers/locate.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { type BenchContext, type Part, startServer } from './context.ts'
import { measure } from './measure.ts'
import { bestPeer, ours, race, type Results } from './race.ts'
import { commonRows, describeRuns } from './rows.ts'
import type { Server } from './server.ts'
import { figures, type Row } from './table.ts'
import type { Tool } from './tools.ts'
import { makeSmallFiles } from './trees.ts'

const mebibyte = 1024 ** 2

/** 20,000 files of 4 KiB, and the same again when all of it is there. */
export async function benchSmallFiles(context: BenchContext): Promise<Part> {
  const count = Math.ceil(20_000 * context.scale)
  const work = makeTemporaryDirectory()
  const directory = join(work.path, 'small')
  await mkdir(directory)
  await makeSmallFiles(directory, count)
  const part: Part = { rows: [], notes: [] }
  try {
    for (const name of ['sink', 'sink-tls'] as const) {
      const server = await startServer(name, context)
      if (server === undefined) continue
      try {
        const first = `${count} files of 4 KiB, ${server.name}`
        const common = { server, work: work.path, directory }
        // Encryption changes little here: only who is compared with is asked again.
        const tools = context.tools.filter(tool => name === 'sink' || ['nimctl', 's5cmd'].includes(tool.name))
        const uploads = await race(
          tools,
          { ...common, name: first, command: (tool, to) => tool.tree?.(directory, to) },
          context,
        )
        part.rows.push(wallRow(first, uploads), ...commonRows(first, uploads, context))
        part.notes.push(...describeRuns(first, uploads))
        if (name === 'sink-tls') continue

        const second = `second run, nothing changed, ${count} files, ${server.name}`
        const again = await race(
          context.tools,
          {
            ...common,
            name: second,
            again: uploads,
            command: (tool, to) => tool.again?.(directory, to),
          },
          context,
        )
        part.rows.push(...againRows(second, again), ...commonRows(second, again, context))
        part.rows.push(...(await readRows(second, { server, work: work.path, directory, tools: context.tools })))
        part.notes.push(...describeRuns(second, again))
      } finally {
        await server.stop()
      }
    }
    return part
  } finally {
    work.remove()
  }
}

function wallRow(name: string, results: Results): Row {
  const s5cmd = results.get('s5cmd')
  return {
    what: `${name}: wall, s`,
    figures: figures(results, ({ seconds }) => seconds),
    ...(s5cmd !== undefined && {
      goal: { text: '≤ 0.8 × s5cmd', found: ours(results).seconds / s5cmd.seconds, atMost: 0.8 },
    }),
  }
}

function againRows(name: string, results: Results): Row[] {
  return [
    {
      what: `${name}: wall, s`,
      figures: figures(results, ({ seconds }) => seconds),
      goal: { text: '≤ fastest sync', found: ours(results).seconds / bestPeer(results).seconds, atMost: 1 },
    },
    {
      what: `${name}: read from files and sockets, MiB`,
      figures: figures(results, ({ readBytes }) => readBytes / mebibyte),
    },
  ]
}

/** Which of the files are opened, in a run of its own: being watched takes time. */
async function readRows(
  name: string,
  { server, work, directory, tools }: { server: Server; work: string; directory: string; tools: readonly Tool[] },
): Promise<Row[]> {
  const strace = findProgram('strace')
  const to = { server, bucket: await server.newBucket('opened'), prefix: 'models' }
  const tool = tools.find(({ name: of }) => of === 'nimctl')
  const command = tool?.again?.(directory, to)
  if (strace === undefined || command === undefined) return []
  const options = { env: { ...server.env, XDG_STATE_HOME: join(work, 'state') }, work }
  await measure(command, options)
  const log = join(work, 'opened.log')
  const watch = ['-f', '-qq', '-e', 'trace=open,openat', '-o', log, command.program, ...command.args]
  await measure({ shown: `strace ${command.shown}`, program: strace, args: watch }, options)
  let opened = 0
  for await (const line of createInterface({ input: createReadStream(log) })) {
    if (line.includes(`"${directory}/part-`) && !line.includes('O_DIRECTORY')) opened += 1
  }
  return [
    {
      what: `${name}: files opened of those to upload (strace)`,
      figures: { nimctl: opened },
      goal: { text: 'none', found: opened, atMost: 0 },
    },
  ]
}
