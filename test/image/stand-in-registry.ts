import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { blobsOf, type BuiltImage, digestOf } from './built-image.ts'

interface AskedFor {
  path: string
  authorization: string | undefined
  range: string | undefined
}

/** What an answer is replaced with; `undefined` leaves it as it is. `count` counts requests of this path from 1. */
type Fault = (asked: AskedFor, count: number, response: ServerResponse, usual: Buffer | undefined) => boolean

export interface StandInRegistry {
  /** 127.0.0.1:PORT */
  host: string
  asked: AskedFor[]
  /** Manifests by tag or digest, blobs by digest. */
  contents: Map<string, Buffer>
  add(image: BuiltImage, tag: string): void
  fault: Fault | undefined
  stop(): Promise<void>
}

/** A registry that does what a test tells it to: fails, cuts, redirects, asks who it is. It takes ranges. */
export async function startStandInRegistry(): Promise<StandInRegistry> {
  const asked: AskedFor[] = []
  const contents = new Map<string, Buffer>()
  const server = createServer((request, response) => answer(request, response))
  const registry: StandInRegistry = {
    host: '',
    asked,
    contents,
    fault: undefined,
    add(image, tag) {
      contents.set(tag, image.manifest).set(image.digest, image.manifest)
      for (const blob of blobsOf(image)) contents.set(digestOf(blob), blob)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  const answer = ({ url = '', headers }: IncomingMessage, response: ServerResponse) => {
    const request = { path: url, authorization: headers.authorization, range: headers.range }
    asked.push(request)
    const count = asked.filter(({ path }) => path === url).length
    const usual = contents.get(decodeURIComponent(url.split('/').at(-1) ?? ''))
    if (registry.fault?.(request, count, response, usual) === true) return
    if (usual === undefined) return void response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    sendRange(response, usual, request.range)
  }
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  registry.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return registry
}

export function sendRange(response: ServerResponse, bytes: Buffer, range: string | undefined): void {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  const part = bytes.subarray(from)
  response.writeHead(from === 0 ? 200 : 206, { 'content-length': part.length }).end(part)
}
