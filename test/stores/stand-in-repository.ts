import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface StandInRepository {
  endpoint: string
  /** Method and path of all that came, in order. */
  readonly seen: string[]
  readonly files: Map<string, Buffer>
  /** What arrives is stored with another first byte. */
  damage(): void
  stop(): void
}

/**
 * Stands in for a repository manager, as its documentation has it. Artifactory:
 * https://jfrog.com/help/r/jfrog-rest-apis/deploy-artifact and …/deploy-artifact-by-checksum. Nexus:
 * https://help.sonatype.com/en/raw-repositories.html. Neither lists a folder in a way that others know.
 */
export async function startStandInRepository(product: 'artifactory' | 'nexus'): Promise<StandInRepository> {
  const files = new Map<string, Buffer>()
  const seen: string[] = []
  let damaged = false
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request
    seen.push(`${method} ${url}`)
    if (product === 'artifactory') response.setHeader('X-Artifactory-Id', 'stand-in')
    else response.setHeader('Server', 'Nexus/3.70.0-03 (OSS)')
    void buffer(request).then(body => answer({ request, response, body, files, product, damaged }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    files,
    damage: () => void (damaged = true),
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
  files: Map<string, Buffer>
  product: 'artifactory' | 'nexus'
  damaged: boolean
}

function answer(exchange: Exchange): void {
  const { request, response, files, product } = exchange
  const { method, url = '' } = request
  const file = files.get(url)
  if (method === 'PUT') return put(exchange)
  if (method !== 'GET' && method !== 'HEAD' && method !== 'DELETE') return void response.writeHead(405).end()
  if (file === undefined) return void response.writeHead(404).end()
  if (method === 'DELETE') {
    files.delete(url)
    return void response.writeHead(204).end()
  }
  const sum = sha1(file)
  const sums = product === 'artifactory' ? { 'x-checksum-sha1': sum, etag: sum } : { etag: `"{SHA1{${sum}}}"` }
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  const part = from === undefined ? file : file.subarray(Number(from), Number(to) + 1)
  response.writeHead(from === undefined ? 200 : 206, { ...sums, 'content-length': part.length }).end(part)
}

function put({ request, response, body, files, product, damaged }: Exchange): void {
  const { url = '', headers } = request
  const asked = headers['x-checksum-sha1']
  const isDeploy = product === 'artifactory' && headers['x-checksum-deploy'] === 'true'
  const known = isDeploy ? [...files.values()].find(file => sha1(file) === asked) : Buffer.from(body)
  if (known === undefined) return refuse(response, 404, 'Failed to deploy artifact by checksum.')
  if (damaged && known.length > 0) known[0] = (known[0] ?? 0) ^ 1
  if (product === 'artifactory' && asked !== undefined && sha1(known) !== asked) {
    return refuse(
      response,
      409,
      `Checksum error for '${url}': received '${String(asked)}' but actual is '${sha1(known)}'`,
    )
  }
  files.set(url, known)
  response.writeHead(201)
  if (product === 'nexus') return void response.end()
  response.end(JSON.stringify({ size: String(known.length), checksums: { md5: 'unused', sha1: sha1(known) } }))
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status).end(JSON.stringify({ errors: [{ status, message }] }))
}

function sha1(bytes: Buffer): string {
  return createHash('sha1').update(bytes).digest('hex')
}
