import { answer } from './answer.ts'
import { freePort } from './free-port.ts'
import { requireParts } from './install.ts'
import { requireProgram } from './locate.ts'
import type { Part } from './parts.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface GcsServer {
  /** As STORAGE_EMULATOR_HOST has it. */
  endpoint: string
  pid: number
  stop: () => Promise<void>
}

interface GcsOptions {
  buckets: readonly string[]
}

interface FakeGcsOptions extends GcsOptions {
  /** Objects lie there instead of in memory. */
  directory?: string
}

/** Checksums, copies, listings in pages. It ends a resumable upload when it is asked how far it came. */
export async function startFakeGcs({ directory, ...options }: FakeGcsOptions): Promise<GcsServer> {
  const backend = directory === undefined ? ['memory'] : ['filesystem', '-filesystem-root', directory]
  return await start('fake-gcs-server', options, port => {
    const own = `127.0.0.1:${port}`
    const address = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)]
    const names = ['-public-host', own, '-external-url', `http://${own}`]
    return [...address, ...names, '-backend', ...backend, '-log-level', 'error']
  })
}

/** Resumable uploads as Google's. Its listings come in one page, and it takes no notice of conditions. */
export async function startGcpStorageEmulator(options: GcsOptions): Promise<GcsServer> {
  return await start('gcp-storage-emulator', options, port => [
    'start',
    '--host',
    '127.0.0.1',
    '--port',
    String(port),
    '--in-memory',
  ])
}

async function start(
  part: Extract<Part, 'fake-gcs-server' | 'gcp-storage-emulator'>,
  { buckets }: GcsOptions,
  args: (port: number) => string[],
): Promise<GcsServer> {
  await requireParts([part])
  const directory = makeTemporaryDirectory()
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  try {
    const server = await startProcess({
      name: part,
      command: requireProgram(part, part),
      args: args(port),
      env: toolEnvironment(),
      logFile: `${directory.path}/server.log`,
      isReady: async () => (await answer(`${endpoint}/storage/v1/b?project=test`))?.status === 200,
      // What it holds is thrown away.
      graceMs: 0,
    })
    for (const name of buckets) await createBucket(endpoint, name)
    const stop = async () => {
      await server.stop()
      directory.remove()
    }
    return { endpoint, pid: server.pid, stop }
  } catch (error) {
    directory.remove()
    throw error
  }
}

export async function createBucket(endpoint: string, name: string): Promise<void> {
  const body = JSON.stringify({ name })
  const headers = { 'content-type': 'application/json' }
  const { ok, status } = await fetch(`${endpoint}/storage/v1/b?project=test`, { method: 'POST', headers, body })
  if (!ok) throw new Error(`The bucket ${name} could not be made: ${status}`)
}
