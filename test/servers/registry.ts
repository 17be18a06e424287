import { readFile, writeFile } from 'node:fs/promises'

import { execa } from 'execa'

import { answer } from './answer.ts'
import { freePort } from './free-port.ts'
import { requireProgram } from './locate.ts'
import { startProcess } from './start-process.ts'
import { type TemporaryDirectory, makeTemporaryDirectory } from './temporary-directory.ts'

export interface RegistryOptions {
  htpasswd?: { user: string; password: string }
  /** A certificate for 127.0.0.1 and localhost, signed by an authority made for this server. */
  tls?: boolean
}

export interface Registry {
  /** As it stands in an image's name: 127.0.0.1:PORT */
  host: string
  /** The authority's certificate, where tls was asked for. */
  caFile?: string
  pid: number
  /** Where it keeps blobs and repositories. */
  storage: string
  /** Its log, with a line in Apache's format for each request: what was asked for, status, bytes served. */
  logFile: string
  stop: () => Promise<void>
}

export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const directory = makeTemporaryDirectory()
  try {
    return await start(directory, options)
  } catch (error) {
    directory.remove()
    throw error
  }
}

async function start(directory: TemporaryDirectory, options: RegistryOptions): Promise<Registry> {
  const { path } = directory
  const port = await freePort()
  const host = `127.0.0.1:${port}`
  const certificate = options.tls ? await makeCertificate(path) : undefined
  const ca = certificate && (await readFile(certificate.caFile, 'utf8'))
  const storage = `${path}/images`
  const logFile = `${path}/registry.log`
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: storage }, delete: { enabled: true } },
    http: {
      addr: host,
      ...(certificate && { tls: { certificate: certificate.certificateFile, key: certificate.keyFile } }),
    },
    ...(options.htpasswd && {
      auth: { htpasswd: { realm: 'nimctl tests', path: await writeHtpasswd(path, options.htpasswd) } },
    }),
  }
  // JSON is YAML.
  await writeFile(`${path}/config.yml`, JSON.stringify(config))
  const server = await startProcess({
    name: 'docker-registry',
    command: requireProgram('registry', 'docker-registry'),
    args: ['serve', `${path}/config.yml`],
    // REGISTRY_* variables would override the file.
    env: { PATH: process.env['PATH'] },
    logFile,
    isReady: async () => {
      const status = (await answer(`${ca ? 'https' : 'http'}://${host}/v2/`, ca ? { ca } : {}))?.status
      return status === (options.htpasswd ? 401 : 200)
    },
    graceMs: 2_000,
  })
  return {
    host,
    ...(certificate && { caFile: certificate.caFile }),
    pid: server.pid,
    storage,
    logFile,
    stop: async () => {
      await server.stop()
      directory.remove()
    },
  }
}

/** docker-registry accepts bcrypt only; perl's crypt makes it on every Debian and Ubuntu. The password goes by stdin. */
async function writeHtpasswd(path: string, { user, password }: { user: string; password: string }): Promise<string> {
  const salt = '$2y$05$abcdefghijklmnopqrstuu'
  const program = `chomp(my $password = <STDIN>); print crypt($password, '${salt}')`
  const { stdout } = await execa(requireProgram('registry', 'perl'), ['-e', program], { input: password })
  if (!stdout.startsWith('$2y$05$')) throw new Error('The crypt() of this system makes no bcrypt hash.')
  const file = `${path}/htpasswd`
  await writeFile(file, `${user}:${stdout}\n`, { mode: 0o600 })
  return file
}

async function makeCertificate(path: string): Promise<{ caFile: string; certificateFile: string; keyFile: string }> {
  const caFile = `${path}/ca.crt`
  const certificateFile = `${path}/server.crt`
  const keyFile = `${path}/server.key`
  const openssl = (args: string[]) => execa(requireProgram('registry', 'openssl'), args)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const ca = ['-x509', '-keyout', `${path}/ca.key`, '-out', caFile, '-days', '2', '-subj', '/CN=nimctl test authority']
  await openssl(['req', ...newKey, ...ca])
  await openssl(['req', ...newKey, '-keyout', keyFile, '-out', `${path}/server.csr`, '-subj', '/CN=localhost'])
  // Without keyUsage and the rest some clients accept what others refuse.
  const extensions = [
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    'basicConstraints=CA:FALSE',
    'keyUsage=digitalSignature',
    'extendedKeyUsage=serverAuth',
  ]
  await writeFile(`${path}/server.ext`, extensions.join('\n'))
  const signing = ['-CA', caFile, '-CAkey', `${path}/ca.key`, '-CAcreateserial', '-days', '2']
  const request = ['-req', '-in', `${path}/server.csr`, '-extfile', `${path}/server.ext`, '-out', certificateFile]
  await openssl(['x509', ...request, ...signing])
  return { caFile, certificateFile, keyFile }
}
