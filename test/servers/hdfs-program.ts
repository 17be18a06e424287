import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import type { Hdfs } from './hdfs.ts'
import { requireJava } from './install-maven.ts'

export interface HdfsProgram {
  /** What PATH has to begin with. */
  directory: string
  /** The command of each call so far: `-put`. */
  calls(): string[]
}

/** These jars are trusted. */
const trusting = ['-XX:+UnlockDiagnosticVMOptions', '-XX:-BytecodeVerificationRemote']

/** A program `hdfs` as Hadoop's distribution has it, as far as `hdfs dfs` goes. */
export async function writeHdfsProgram(directory: string, hdfs: Hdfs): Promise<HdfsProgram> {
  const log = join(directory, 'calls.log')
  const quick = await archiveClasses(directory, hdfs)
  const java = [requireJava(), ...quick].map(word => `'${word}'`).join(' ')
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

/** Java maps the classes that a first call has left, and flags say so. No directory may be on its class path. */
async function archiveClasses(
  directory: string,
  { javaArguments, configuration, rpcAddress }: Hdfs,
): Promise<readonly string[]> {
  const [archive, jar] = [join(directory, 'classes.jsa'), join(directory, 'conf.jar')]
  const files = readdirSync(configuration).map(name => join(configuration, name))
  await execa('python3', ['-m', 'zipfile', '-c', jar, ...files])
  const flags = [...trusting, '-Xlog:cds=off', ...javaArguments.map(word => word.replace(configuration, jar))]
  const listing = ['org.apache.hadoop.fs.FsShell', '-ls', `hdfs://${rpcAddress}/`]
  await execa(requireJava(), [`-XX:ArchiveClassesAtExit=${archive}`, ...flags, ...listing])
  return [`-XX:SharedArchiveFile=${archive}`, ...flags]
}
