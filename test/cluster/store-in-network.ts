import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { execa } from 'execa'
import { inject } from 'vitest'

import { installParts } from '../servers/install.ts'
import { requireProgram } from '../servers/locate.ts'
import { rootPrefix } from '../servers/root.ts'
import { configuration, type Ports, removeSockets, serverArguments } from '../servers/seaweedfs.ts'
import { sendSignal, startProcess } from '../servers/start-process.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { toolEnvironment } from '../servers/tool-environment.ts'
import type {} from './global-setup.ts'
import { nodeAddress } from './start-cluster.ts'

export interface StoreInNetwork {
  endpoint: string
  /** Of a client in the node's network. */
  env: Record<string, string>
  /** Lines of the Secret that pods get. */
  secret: Record<string, string>
  /** Answers nobody from now on; connections stay. */
  freeze(): void
  goOn(): void
  stop(): Promise<void>
}

const keys = { accessKeyId: 'of-the-cluster', secretAccessKey: 'secret-of-the-cluster' }

const bucket = 'models'

/** SeaweedFS on the node's own address, which is all that pods reach, with the bucket `models`. */
export async function startStoreInNetwork(): Promise<StoreInNetwork> {
  await installParts(['seaweedfs'])
  const { inNetwork } = inject('clusterNode')
  const directory = makeTemporaryDirectory()
  const ports = portsOfThisWorker()
  const identities = join(directory.path, 'identities.json')
  await writeFile(identities, configuration(keys))
  const weed = [requireProgram('seaweedfs', 'seaweedfs')]
  const options = { directory: directory.path, host: nodeAddress, ports }
  const [command, ...args] = [...inNetwork, ...weed, ...serverArguments(options), `-s3.config=${identities}`]
  const ask = async (port: number, path: string, flags: readonly string[] = []): Promise<string> => {
    const [program, ...rest] = [
      ...inNetwork,
      'curl',
      '-s',
      '--max-time',
      '2',
      ...flags,
      `http://${nodeAddress}:${port}${path}`,
    ]
    return (await execa(program, rest, { reject: false })).stdout
  }
  const server = await startProcess({
    name: 'SeaweedFS in the node',
    command,
    args,
    env: toolEnvironment(),
    logFile: join(directory.path, 'weed.log'),
    isReady: async () =>
      (await ask(ports.s3, '/')) !== '' && /"Max":[1-9]/.test(await ask(ports.master, '/dir/status')),
    graceMs: 0,
  })
  const user = `${keys.accessKeyId}:${keys.secretAccessKey}`
  await ask(ports.s3, `/${bucket}`, ['-X', 'PUT', '--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', user])
  const endpoint = `http://${nodeAddress}:${ports.s3}`
  const secret = { AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey }
  const sudo = rootPrefix()
  return {
    endpoint,
    env: { ...secret, AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true' },
    secret,
    freeze: () => sendSignal(server.pid, 'SIGSTOP', sudo),
    goOn: () => sendSignal(server.pid, 'SIGCONT', sudo),
    stop: async () => {
      await server.stop()
      removeSockets(ports)
      directory.remove()
    },
  }
}

/** Nobody else listens in the node's network but Kubernetes, NGC on some high port, and the store of another worker. */
function portsOfThisWorker(): Ports {
  const first = 18_000 + 10 * Number(process.env['VITEST_POOL_ID'] ?? 0)
  const [master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, s3, s3Grpc] = Array.from(
    { length: 8 },
    (_, index) => first + index,
  )
  return { master, masterGrpc, volume, volumeGrpc, filer, filerGrpc, s3, s3Grpc } as Ports
}
