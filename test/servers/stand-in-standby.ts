import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface StandbyNamenode {
  /** `127.0.0.1:PORT` */
  httpAddress: string
  /** Method and path of all that came. */
  readonly seen: string[]
  stop(): void
}

/**
 * A stand-in for a namenode on standby: the answer that Hadoop documents for every operation
 * (https://hadoop.apache.org/docs/r3.4.2/hadoop-project-dist/hadoop-hdfs/WebHDFS.html#Error_Responses), and nothing more.
 */
export async function startStandbyNamenode(): Promise<StandbyNamenode> {
  const seen: string[] = []
  const body = JSON.stringify({
    RemoteException: {
      exception: 'StandbyException',
      javaClassName: 'org.apache.hadoop.ipc.StandbyException',
      message: 'Operation category READ is not supported in state standby. Visit https://s.apache.org/sbnn-error',
    },
  })
  const server = createServer((incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    incoming.resume().once('end', () => outgoing.writeHead(403, { 'content-type': 'application/json' }).end(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    httpAddress: `127.0.0.1:${port}`,
    seen,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
