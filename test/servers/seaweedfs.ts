import { rmSync, writeFileSync } from 'node:fs'

import { answer } from './answer.ts'
import { onProcessEnd } from './cleanup.ts'
import { createBuckets, type Keys } from './create-buckets.ts'
import { freePort } from './free-port.ts'
import { requireProgram } from './locate.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface SeaweedfsOptions {
  /** Without them it lets anyone in. */
  credentials?: Keys
  /** Who else is let in, and what they may do: `Read`, `List`, `Write`. */
  others?: readonly { keys: Keys; actions: readonly string[] }[]
  /** Address of an OpenBao that has the keys for SSE-KMS. */
  keyService?: string
  buckets?: readonly string[]
}

export interface Seaweedfs {
  endpoint: string
  /** What a client needs in its environment: endpoint, region and, where they are asked for, the credentials. */
  env: Record<string, string>
  pid: number
  stop: () => Promise<void>
}

const region = 'us-east-1'

export async function startSeaweedfs(options: SeaweedfsOptions = {}): Promise<Seaweedfs> {
  const { credentials, buckets = [] } = options
  const weed = requireProgram('seaweedfs', 'seaweedfs')
  const directory = makeTemporaryDirectory()
  const ports = await choosePorts()
  const endpoint = `http://127.0.0.1:${ports.s3}`
  const identities = `${directory.path}/identities.json`
  if (credentials !== undefined) writeFileSync(identities, configuration(credentials, options))
  const keys = credentials && {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  const forgetSockets = onProcessEnd(() => removeSockets(ports))
  const removeFiles = () => {
    directory.remove()
    removeSockets(ports)
    forgetSockets()
  }
  try {
    const server = await startProcess({
      name: 'SeaweedFS',
      command: weed,
      args: [
        ...serverArguments({ directory: directory.path, host: '127.0.0.1', ports }),
        ...(credentials === undefined ? [] : [`-s3.config=${identities}`]),
      ],
      // It would read credentials of this process's own environment too.
      env: toolEnvironment({ WEED_S3_SSE_KEY: 'a key for objects that ask to be encrypted' }),
      logFile: `${directory.path}/weed.log`,
      isReady: async () => (await answer(`${endpoint}/`)) !== undefined && (await hasVolumes(ports.master)),
      // In order it takes 25 s, to hand over volumes that are thrown away here.
      graceMs: 0,
    })
    const stop = async () => {
      await server.stop()
      removeFiles()
    }
    try {
      await createBuckets(buckets, { endpoint, credentials })
    } catch (error) {
      await stop()
      throw error
    }
    const env = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region, AWS_DEFAULT_REGION: region, ...keys }
    return { endpoint, env, pid: server.pid, stop }
  } catch (error) {
    removeFiles()
    throw error
  }
}

export function configuration(credentials: Keys, { others = [], keyService }: SeaweedfsOptions = {}): string {
  const all = [{ keys: credentials, actions: ['Admin', 'Read', 'List', 'Tagging', 'Write'] }, ...others]
  const identities = all.map(({ keys: { accessKeyId, secretAccessKey }, actions }) => ({
    name: accessKeyId,
    credentials: [{ accessKey: accessKeyId, secretKey: secretAccessKey }],
    actions,
  }))
  const openbao = { type: 'openbao', address: keyService, token: 'any', transit_path: 'transit' }
  const kms = { default_provider: 'openbao', providers: { openbao } }
  return JSON.stringify({ identities, ...(keyService !== undefined && { kms }) })
}

export type Ports = Awaited<ReturnType<typeof choosePorts>>

/** All of them: what is left open defaults to a fixed port, or to another one's number plus 10000. */
async function choosePorts() {
  return {
    master: await freePort(),
    masterGrpc: await freePort(),
    volume: await freePort(),
    volumeGrpc: await freePort(),
    filer: await freePort(),
    filerGrpc: await freePort(),
    s3: await freePort(),
    s3Grpc: await freePort(),
  }
}

export function serverArguments({
  directory,
  host,
  ports,
}: {
  directory: string
  host: string
  ports: Ports
}): string[] {
  return [
    'server',
    `-dir=${directory}`,
    `-ip=${host}`,
    `-ip.bind=${host}`,
    '-filer',
    '-s3',
    `-master.port=${ports.master}`,
    `-master.port.grpc=${ports.masterGrpc}`,
    `-volume.port=${ports.volume}`,
    `-volume.port.grpc=${ports.volumeGrpc}`,
    `-filer.port=${ports.filer}`,
    `-filer.port.grpc=${ports.filerGrpc}`,
    `-s3.port=${ports.s3}`,
    `-s3.port.grpc=${ports.s3Grpc}`,
    '-s3.port.iceberg=0',
    '-s3.port.lance=0',
    // A missing bucket must be missing: by default an upload by an administrator creates it.
    '-s3.autoCreateBucket=false',
    '-master.volumeSizeLimitMB=1024',
    // A bucket takes seven of them at its first upload.
    '-volume.max=1000',
  ]
}

/** S3 answers before a volume server has come to the master; the first upload would fail. */
async function hasVolumes(masterPort: number): Promise<boolean> {
  const status = await answer(`http://127.0.0.1:${masterPort}/dir/status`)
  const { Topology } = status?.status === 200 ? JSON.parse(status.body) : {}
  return Topology?.Max > 0
}

/** It puts them into /tmp whatever TMPDIR says, and leaves them when it is killed. */
export function removeSockets(ports: Ports): void {
  const names = [
    `filer-${ports.filer}`,
    `filer-grpc-${ports.filerGrpc}`,
    `master-grpc-${ports.masterGrpc}`,
    `s3-${ports.s3}`,
    `s3-grpc-${ports.s3Grpc}`,
    `volume-grpc-${ports.volumeGrpc}`,
  ]
  for (const name of names) rmSync(`/tmp/seaweedfs-${name}.sock`, { force: true })
}
