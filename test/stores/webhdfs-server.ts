import { randomUUID } from 'node:crypto'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { afterAll, beforeAll } from 'vitest'

import { openStore } from '../../src/stores/open.ts'
import type { Store } from '../../src/stores/store.ts'
import { type Hdfs, startHdfs } from '../servers/hdfs.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

/** A put is several requests, and the namenode writes most of them to its disk: a thousand take half a minute. */
const pageSize = 20

export const severalPages = 2 * pageSize + 3

/** HDFS with a proxy before the namenode, and another before the datanode. */
export interface HdfsServer {
  readonly hdfs: Hdfs
  readonly namenode: FaultProxy
  readonly datanode: FaultProxy
  /** What stands in a URL: `127.0.0.1:PORT`, of the proxy. */
  readonly host: string
  /** An empty directory each time, with blocks of 1 MiB and small pages. By way of the proxies, or not. */
  open(by: 'proxies' | 'nobody'): Promise<Store>
}

/** Started before the tests of this file, and stopped after them. */
export function hdfsServer(): HdfsServer {
  let hdfs: Hdfs
  let namenode: FaultProxy
  let datanode: FaultProxy
  let relay: Relay
  beforeAll(async () => {
    hdfs = await startHdfs()
    datanode = await startFaultProxy(hdfs.datanodeOrigin)
    relay = await startRelay(`http://${hdfs.httpAddress}`, { from: hdfs.datanodeOrigin, to: datanode.endpoint })
    namenode = await startFaultProxy(relay.endpoint)
  })
  afterAll(async () => {
    for (const one of [namenode, relay, datanode]) one.stop()
    await hdfs.stop()
  })
  return {
    get hdfs() {
      return hdfs
    },
    get namenode() {
      return namenode
    },
    get datanode() {
      return datanode
    },
    get host() {
      return new URL(namenode.endpoint).host
    },
    async open(by) {
      const host = by === 'proxies' ? new URL(namenode.endpoint).host : hdfs.httpAddress
      const url = new URL(`webhdfs://${host}/${randomUUID()}`)
      return await openStore(url, { hdfs: { user: hdfs.superuser, blockSize: 1024 ** 2, pageSize } })
    },
  }
}

interface Relay {
  endpoint: string
  stop(): void
}

/** Before a namenode: names another address of the datanode than it does. */
async function startRelay(target: string, { from, to }: { from: string; to: string }): Promise<Relay> {
  const server = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming
    const onward = request(`${target}${url}`, { method, headers, setHost: false, agent: false }, answer => {
      void text(answer).then(body => {
        delete answer.headers['content-length']
        delete answer.headers['transfer-encoding']
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers).end(body.replaceAll(from, to))
      })
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}
