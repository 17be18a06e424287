import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { Hdfs } from './hdfs.ts'
import { requireJava } from './install-maven.ts'

export interface HdfsProgram {
  /** What PATH has to begin with. */
  directory: string
  /** The command of each call so far: `-put`. */
  calls(): string[]
}

/** Half a tenth of a second less each time: these jars are trusted. */
const quick = ['-XX:+UnlockDiagnosticVMOptions', '-XX:-BytecodeVerificationRemote']

/** A program `hdfs` as Hadoop's distribution has it, as far as `hdfs dfs` goes. */
export function writeHdfsProgram(directory: string, { javaArguments }: Pick<Hdfs, 'javaArguments'>): HdfsProgram {
  const log = join(directory, 'calls.log')
  const java = [requireJava(), ...quick, ...javaArguments].map(word => `'${word}'`).join(' ')
  const script = `#!/bin/sh
[ "$1" = dfs ] || exit 2
shift
echo "$*" >>'${log}'
exec ${java} org.apache.hadoop.fs.FsShell "$@"
`
  writeFileSync(log, '')
  writeFileSync(join(directory, 'hdfs'), script, { mode: 0o755 })
  return {
    directory,
    calls: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .flatMap(line => / ?(-[a-zA-Z]{2,}) /.exec(line)?.[1] ?? []),
  }
}
