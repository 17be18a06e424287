import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { cacheDirectory, findProgram } from './locate.ts'

/** The oldest Java that Hadoop 3.4 runs on is 8; what it needs opened (hdfs.ts) is a flag from 9 on. */
const javaNeeded = 'Java 11 or later'

export function requireJava(): string {
  const java = findProgram('java')
  if (java !== undefined) return java
  throw new Error(
    `HDFS needs ${javaNeeded}, and there is no java in PATH. Install it: apt-get install default-jre-headless`,
  )
}

/**
 * Brings jars with all that they need at run time from Maven Central, into a folder of the user's cache that is named
 * after their pin, and returns that folder.
 *
 * @param artifacts `group:name`, all of one version.
 */
export async function installJars(
  name: string,
  { artifacts, version }: { artifacts: readonly string[]; version: string },
): Promise<string> {
  const directory = join(cacheDirectory(), `maven-${name}-${version}`)
  // Written at the end: what an interrupted Maven leaves looks installed otherwise.
  const marker = join(directory, 'installed')
  if (existsSync(marker)) return directory
  const maven = findProgram('mvn')
  if (maven === undefined) {
    throw new Error(
      `${name} ${version} comes from Maven Central, and there is no mvn in PATH. Install it: apt-get install maven`,
    )
  }
  mkdirSync(directory, { recursive: true })
  process.stderr.write(`Installing ${name} ${version} into ${directory}\n`)
  writeFileSync(join(directory, 'pom.xml'), pomOf(artifacts, version))
  const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'
  const copy = [maven, '--batch-mode', '--quiet', goal, '-DincludeScope=runtime', `-DoutputDirectory=${directory}`]
  // Under one lock: two runs that start together must not write one folder at once.
  const { exitCode, stdout } = await execa('flock', [join(cacheDirectory(), 'install.lock'), ...copy], {
    cwd: directory,
    stdin: 'ignore',
    reject: false,
  })
  if (exitCode !== 0)
    throw new Error(`Maven could not bring ${name} ${version}:\n${stdout.split('\n').slice(0, 5).join('\n')}`)
  writeFileSync(marker, '')
  return directory
}

function pomOf(artifacts: readonly string[], version: string): string {
  const dependencies = artifacts.map(artifact => {
    const [group, name] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>nimctl-dev</groupId><artifactId>jars</artifactId><version>1</version>
<dependencies>${dependencies.join('')}</dependencies></project>
`
}
