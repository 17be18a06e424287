import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { answer } from '../servers/answer.ts'
import { freePort } from '../servers/free-port.ts'
import { cacheDirectory, findProgram } from '../servers/locate.ts'
import { startProcess } from '../servers/start-process.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { clientEnvironment, type Server, type Stats } from './server.ts'

const source = join(import.meta.dirname, 'sink.c')

export async function startSink({ tls }: { tls: boolean }, say: (line: string) => void): Promise<Server> {
  const program = await build(say)
  const directory = makeTemporaryDirectory()
  const port = await freePort()
  const certificate = tls ? await makeCertificate(directory.path) : undefined
  const ca = certificate && readFileSync(certificate.file, 'utf8')
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${port}`
  const ask = () => answer(`${endpoint}/_stats`, { ...(ca !== undefined && { ca }) })
  const sink = await startProcess({
    name: 'the sink',
    command: program,
    args: [String(port), ...(certificate ? [certificate.file, certificate.key] : [])],
    logFile: join(directory.path, 'sink.log'),
    isReady: async () => (await ask())?.status === 200,
    graceMs: 0,
  })
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }
  return {
    name: tls ? 'sink, TLS' : 'sink, HTTP',
    endpoint,
    env: clientEnvironment(endpoint, credentials, certificate?.file),
    newBucket: name => Promise.resolve(name),
    async take() {
      const stats: Stats = JSON.parse((await ask())?.body ?? '')
      return stats
    },
    async stop() {
      await sink.stop()
      directory.remove()
    },
  }
}

/** Once for each version of its source. */
async function build(say: (line: string) => void): Promise<string> {
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 12)
  const program = join(cacheDirectory(), `bench-sink-${hash}`)
  if (existsSync(program)) return program
  if (findProgram('cc') === undefined || !existsSync('/usr/include/openssl/ssl.h')) {
    const { installDebianPackages } = await import('../servers/install-debian.ts')
    const reason = await installDebianPackages([['gcc'], ['libc6-dev'], ['libssl-dev']], say)
    if (reason !== undefined) throw new Error(`The sink can't be built: ${reason.why} ${reason.next}`)
  }
  mkdirSync(cacheDirectory(), { recursive: true })
  const unfinished = `${program}.${process.pid}`
  await execa('cc', ['-O2', '-o', unfinished, source, '-lssl', '-lcrypto', '-lpthread'])
  renameSync(unfinished, program)
  return program
}

async function makeCertificate(directory: string): Promise<{ file: string; key: string }> {
  const file = join(directory, 'certificate.pem')
  const key = join(directory, 'key.pem')
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const kind = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30']
  await execa('openssl', ['req', ...kind, '-keyout', key, '-out', file, '-subj', '/CN=127.0.0.1', '-addext', names])
  return { file, key }
}
