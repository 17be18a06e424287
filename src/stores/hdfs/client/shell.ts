import { text } from 'node:stream/consumers'

import { startTool } from '../../../system/process.ts'
import { type Complaint, readComplaints } from './complaints.ts'
import { shellError } from './errors.ts'
import { openTurns } from './turns.ts'

export interface ShellCall {
  /** Without its hyphen: `put`. */
  command: string
  args: readonly string[]
  /** Hadoop's settings for this call alone. */
  settings?: Readonly<Record<string, string>>
  signal: AbortSignal
}

interface ShellAnswer {
  stdout: string
  /** What it could not do; the rest is done. */
  complaints: Complaint[]
}

/** A call whose input and output flow. */
export interface RunningCall {
  stdin: ReturnType<typeof startTool>['stdin']
  stdout: ReturnType<typeof startTool>['stdout']
  /** @throws NimctlError what it complained of. */
  ended: Promise<void>
}

/**
 * Hadoop's file system shell: the installed program `hdfs`, as `hdfs dfs -COMMAND`. Each call starts a Java machine, which
 * takes a second or two. https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-common/FileSystemShell.html
 */
export interface Shell {
  run(call: ShellCall): Promise<ShellAnswer>
  /** @param target for people. */
  start(call: ShellCall, target: string): RunningCall
}

/** Java reads and prints names as the locale says: in "C" every other letter is a question mark. And it speaks English. */
const locale = { LC_ALL: 'C.UTF-8' }

/** Calls that run beside each other, without those whose bytes flow: each is a Java machine of 150 MB and more. */
const mostCalls = 4

/** Of one call for a thousand names, each may be complained of; and a usage text is long. */
const stderrLines = 2000

const install =
  "Install Hadoop's client (its program hdfs, with Java) and put it on PATH, or use WebHDFS: leave --hdfs-client out."

/** @param env the whole environment of the program: HADOOP_CONF_DIR, KRB5CCNAME, JAVA_HOME and the like. */
export function openShell(env: Readonly<Record<string, string | undefined>>): Shell {
  const start = ({ command, args, settings = {}, signal }: ShellCall) => {
    signal.throwIfAborted()
    const defined = Object.entries(settings).flatMap(([name, value]) => ['-D', `${name}=${value}`])
    const options = { env: { ...env, ...locale }, signal, install, stderrLines }
    return startTool('hdfs', ['dfs', ...defined, `-${command}`, ...args], options)
  }
  const turns = openTurns(mostCalls)
  return {
    async run(call) {
      await turns.take()
      try {
        const tool = start(call)
        tool.stdin.end()
        // A program that did not start has no output: why is told by its end.
        const [stdout, ended] = await Promise.all([text(tool.stdout).catch(() => ''), tool.ended])
        return { stdout, complaints: readComplaints(call.command, ended) }
      } finally {
        turns.give()
      }
    },
    start(call, target) {
      const { stdin, stdout, ended } = start(call)
      const checked = ended.then(result => {
        const [first] = readComplaints(call.command, result)
        if (first !== undefined) throw shellError(first, { command: call.command, target })
      })
      checked.catch(() => undefined)
      return { stdin, stdout, ended: checked }
    },
  }
}
