import { spawn } from 'node:child_process'
import { join } from 'node:path'

const program = join(import.meta.dirname, '../../bin/nimctl.js')

export interface Shell {
  /** Shown as the exports that a reader would type; used for every command after. */
  setEnvironment(env: Readonly<Record<string, string>>): void
  heading(title: string): void
  leaveOut(why: string): void
  /** Shows a command as a reader would type it, runs it, and shows and returns its standard output. */
  nimctl(args: readonly string[]): Promise<string>
}

/** Ctrl-C, or a SIGTERM: the demo ends, and stops what it started. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.exitCode = exitCode
  }
}

export function openShell(say: (line: string) => void): Shell {
  let environment: Readonly<Record<string, string>> = {}
  let interruptedBy: number | undefined
  let stopChild: ((signal: NodeJS.Signals) => void) | undefined
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      interruptedBy = exitCode
      stopChild?.(signal)
    })
  }
  let number = 0

  return {
    setEnvironment(env) {
      environment = env
      for (const [name, value] of Object.entries(env)) say(`$ export ${name}=${quote(value)}`)
    },
    heading: title => say(`\n${++number}. ${title}`),
    leaveOut: why => say(`   Left out: ${why}`),
    async nimctl(args) {
      say(`$ nimctl ${args.map(quote).join(' ')}`)
      const child = spawn(process.execPath, [program, ...args], {
        env: { ...process.env, ...environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      stopChild = signal => child.kill(signal)
      const output: Buffer[] = []
      child.stdout.on('data', (chunk: Buffer) => {
        output.push(chunk)
        process.stdout.write(chunk)
      })
      const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
      if (interruptedBy !== undefined) throw new Interrupted(interruptedBy)
      if (code !== 0) throw new Error(`nimctl ${args[0]} ended with ${code}.`)
      return Buffer.concat(output).toString('utf8')
    },
  }
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
