import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { renderCast, type Shown } from './cast.ts'

const file = join(import.meta.dirname, '../../docs/demo.cast')
const header = { version: 2, width: 120, height: 36, title: 'nimctl: the flow with a stand-in image' } as const

/** Runs the demo and keeps what it shows, with its pauses, as docs/demo.cast. */
async function record(): Promise<number> {
  const shown: Shown[] = []
  const demo = spawn(process.execPath, [join(import.meta.dirname, 'demo.ts')], { stdio: ['inherit', 'pipe', 'pipe'] })
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      shown.push({ atMs: performance.now(), text })
      process.stdout.write(text)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => demo.on('error', reject).on('close', resolve))
  if (code === 0) await writeFile(file, renderCast(header, shown, 2000))
  return code ?? 1
}

process.exitCode = await record()
