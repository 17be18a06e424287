import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { answer } from './answer.ts'
import { freePort } from './free-port.ts'
import { installJars, requireJava } from './install-maven.ts'
import type { RanTool } from './run-tool.ts'
import { startProcess, type StartedProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface Hdfs {
  /** Of the namenode: `127.0.0.1:PORT`, for `webhdfs://` and as origin with `http://` before it. */
  httpAddress: string
  /** Where the namenode sends for bytes: `http://127.0.0.1:PORT`. */
  datanodeOrigin: string
  /** The same as httpAddress for `hdfs://`. */
  rpcAddress: string
  /** A directory with core-site.xml and hdfs-site.xml, as HADOOP_CONF_DIR names it. */
  configuration: string
  /** Who may do anything: whoever started the namenode. */
  superuser: string
  /** Runs the Hadoop client's file system shell, which `hdfs dfs` is. */
  shell: (args: readonly string[], settings?: Readonly<Record<string, string>>) => Promise<RanTool>
  /** Class path and flags of Java, for a program `hdfs` of one's own. */
  javaArguments: readonly string[]
  stop: () => Promise<void>
}

const hadoop = {
  artifacts: ['hadoop-common', 'hadoop-hdfs', 'hadoop-hdfs-client'].map(name => `org.apache.hadoop:${name}`),
  version: '3.4.2',
}

/** What Hadoop reaches into: without it every answer of WebHDFS is 500 on Java 17. */
const opened = [
  'java.lang',
  'java.lang.reflect',
  'java.io',
  'java.net',
  'java.nio',
  'java.util',
  'java.util.concurrent',
]

/** Small and quick to start: they hold a few files for a minute. */
const small = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/**
 * A namenode and a datanode.
 *
 * @param settings of hdfs-site.xml, beside those that put everything on loopback.
 */
export async function startHdfs(settings: Readonly<Record<string, string>> = {}): Promise<Hdfs> {
  const java = requireJava()
  const jars = await installJars('hadoop', hadoop)
  const directory = makeTemporaryDirectory()
  const configuration = join(directory.path, 'conf')
  const ports = {
    rpc: await freePort(),
    http: await freePort(),
    data: await freePort(),
    web: await freePort(),
    ipc: await freePort(),
  }
  writeConfiguration(configuration, { directory: directory.path, ports, settings })
  const javaArguments = [
    ...opened.map(name => `--add-opens=java.base/${name}=ALL-UNNAMED`),
    ...small,
    '-cp',
    `${configuration}:${jars}/*`,
  ]
  const httpAddress = `127.0.0.1:${ports.http}`
  const run = async (args: readonly string[]): Promise<RanTool> => {
    const options = { env: toolEnvironment(), extendEnv: false, reject: false, stdin: 'ignore' } as const
    const { exitCode = 1, stdout, stderr } = await execa(java, [...javaArguments, ...args], options)
    return { exitCode, stdout, stderr }
  }
  const start = (name: string, className: string, isReady: () => Promise<boolean>) =>
    startProcess({
      name,
      command: java,
      args: [...javaArguments, `org.apache.hadoop.hdfs.server.${className}`],
      env: toolEnvironment(),
      logFile: join(directory.path, `${name}.log`),
      isReady,
      // What it holds is thrown away.
      graceMs: 0,
    })
  const started: StartedProcess[] = []
  const stop = async () => {
    for (const server of started.toReversed()) await server.stop()
    directory.remove()
  }
  try {
    const formatted = await run([
      'org.apache.hadoop.hdfs.server.namenode.NameNode',
      '-format',
      '-nonInteractive',
      '-force',
    ])
    if (formatted.exitCode !== 0) throw new Error(`The namenode could not be formatted:\n${formatted.stderr}`)
    // They wait for each other.
    const both = await Promise.allSettled([
      start('namenode', 'namenode.NameNode', () => hasDatanode(httpAddress)),
      start('datanode', 'datanode.DataNode', () => hasDatanode(httpAddress)),
    ])
    for (const one of both) if (one.status === 'fulfilled') started.push(one.value)
    for (const one of both) if (one.status === 'rejected') throw one.reason
  } catch (error) {
    await stop()
    throw error
  }
  const defined = (given: Readonly<Record<string, string>>) =>
    Object.entries(given).flatMap(([name, value]) => ['-D', `${name}=${value}`])
  return {
    httpAddress,
    datanodeOrigin: `http://127.0.0.1:${ports.web}`,
    rpcAddress: `127.0.0.1:${ports.rpc}`,
    configuration,
    superuser: process.env['USER'] ?? 'root',
    shell: (args, given = {}) => run(['org.apache.hadoop.fs.FsShell', ...defined(given), ...args]),
    javaArguments,
    stop,
  }
}

async function hasDatanode(httpAddress: string): Promise<boolean> {
  const query = 'qry=Hadoop:service=NameNode,name=FSNamesystemState'
  const found = await answer(`http://${httpAddress}/jmx?${query}`)
  return found?.status === 200 && /"NumLiveDataNodes" : 1/.test(found.body)
}

function writeConfiguration(
  configuration: string,
  {
    directory,
    ports,
    settings,
  }: {
    directory: string
    ports: Record<'rpc' | 'http' | 'data' | 'web' | 'ipc', number>
    settings: Readonly<Record<string, string>>
  },
): void {
  // The jars bring no web applications, and the servers don't start without.
  for (const name of ['hdfs', 'datanode', 'secondary']) {
    const folder = join(configuration, 'webapps', name, 'WEB-INF')
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      join(folder, 'web.xml'),
      '<web-app xmlns="http://java.sun.com/xml/ns/javaee" version="2.5"></web-app>\n',
    )
  }
  mkdirSync(join(configuration, 'webapps', 'static'))
  const log =
    'log4j.rootLogger=WARN,out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.target=System.err\nlog4j.appender.out.layout=org.apache.log4j.SimpleLayout\n'
  writeFileSync(join(configuration, 'log4j.properties'), log)
  writeFileSync(join(configuration, 'core-site.xml'), siteXml({ 'fs.defaultFS': `hdfs://127.0.0.1:${ports.rpc}` }))
  const site = {
    'dfs.replication': '1',
    'dfs.namenode.name.dir': join(directory, 'names'),
    'dfs.datanode.data.dir': join(directory, 'data'),
    'dfs.namenode.http-address': `127.0.0.1:${ports.http}`,
    'dfs.namenode.rpc-bind-host': '127.0.0.1',
    'dfs.datanode.address': `127.0.0.1:${ports.data}`,
    'dfs.datanode.http.address': `127.0.0.1:${ports.web}`,
    'dfs.datanode.ipc.address': `127.0.0.1:${ports.ipc}`,
    'dfs.datanode.hostname': '127.0.0.1',
    'dfs.namenode.datanode.registration.ip-hostname-check': 'false',
    'dfs.heartbeat.interval': '1',
    // How long whoever closes a file waits for the namenode to know its last block: 400 ms, which tests need not.
    'dfs.client.block.write.locateFollowingBlock.initial.delay.ms': '5',
    ...settings,
  }
  writeFileSync(join(configuration, 'hdfs-site.xml'), siteXml(site))
}

export function siteXml(properties: Readonly<Record<string, string>>): string {
  const lines = Object.entries(properties).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  )
  return `<?xml version="1.0"?>\n<configuration>\n${lines.join('\n')}\n</configuration>\n`
}
