import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { azuriteAccount, azuriteClient, containerSas, startAzurite } from '../servers/azurite.ts'
import { makeCertificates } from '../servers/certificates.ts'
import { createBucket, startFakeGcs } from '../servers/gcs.ts'
import { startHdfs } from '../servers/hdfs.ts'
import { requireParts } from '../servers/install.ts'
import { startNginx } from '../servers/nginx.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import type { Server } from './server.ts'

const rclone = (settings: Record<string, string>) =>
  Object.fromEntries([
    ['RCLONE_CONFIG', '/dev/null'],
    ...Object.entries(settings).map(([name, value]) => [`RCLONE_CONFIG_BENCH_${name}`, value]),
  ])

export async function openDirectory(): Promise<Server> {
  const work = makeTemporaryDirectory()
  return {
    name: 'a directory',
    endpoint: '',
    nimctl: { url: (bucket, prefix) => pathToFileURL(join(bucket, prefix)).href, flags: [] },
    peers: ['rclone'],
    env: rclone({ TYPE: 'local' }),
    async newBucket(name) {
      const directory = join(work.path, name)
      await mkdir(directory)
      return directory
    },
    stop: async () => work.remove(),
  }
}

export async function startGs(): Promise<Server> {
  const work = makeTemporaryDirectory()
  const { endpoint, stop } = await startFakeGcs({ buckets: [], directory: join(work.path, 'objects') })
  return {
    name: 'fake-gcs-server',
    endpoint,
    nimctl: { url: (bucket, prefix) => `gs://${bucket}/${prefix}`, flags: [] },
    peers: ['rclone'],
    env: {
      STORAGE_EMULATOR_HOST: endpoint,
      ...rclone({ TYPE: 'google cloud storage', ANONYMOUS: 'true', ENDPOINT: `${endpoint}/storage/v1/` }),
    },
    async newBucket(name) {
      await createBucket(endpoint, name)
      return name
    },
    async stop() {
      await stop()
      work.remove()
    },
  }
}

export async function startAzure(): Promise<Server> {
  const work = makeTemporaryDirectory()
  const { endpoint, env, stop } = await startAzurite({ directory: join(work.path, 'blobs') })
  return {
    name: 'Azurite',
    endpoint: new URL(endpoint).origin,
    sas: bucket => containerSas(bucket, 'racwdl', Date.now() + 24 * 3600_000),
    nimctl: { url: (bucket, prefix) => `az://${bucket}/${prefix}`, flags: ['--endpoint-url', endpoint] },
    peers: ['rclone', 'azcopy'],
    env: {
      ...env,
      ...rclone({
        TYPE: 'azureblob',
        ACCOUNT: azuriteAccount.name,
        KEY: azuriteAccount.key,
        ENDPOINT: endpoint,
      }),
    },
    async newBucket(name) {
      await azuriteClient(endpoint).createContainer(name)
      return name
    },
    async stop() {
      await stop()
      work.remove()
    },
  }
}

/** rclone speaks to it as Hadoop's own client does, not by WebHDFS. */
export async function startHdfsServer(): Promise<Server> {
  const { httpAddress, rpcAddress, superuser, stop } = await startHdfs()
  return {
    name: 'HDFS',
    endpoint: `http://${httpAddress}`,
    nimctl: { url: (bucket, prefix) => `webhdfs://${httpAddress}/${bucket}/${prefix}`, flags: [] },
    peers: ['rclone'],
    env: { HADOOP_USER_NAME: superuser, ...rclone({ TYPE: 'hdfs', NAMENODE: rpcAddress, USERNAME: superuser }) },
    newBucket: async name => name,
    stop,
  }
}

export async function startHttps(): Promise<Server> {
  await requireParts(['registry'])
  const work = makeTemporaryDirectory()
  const tls = await makeCertificates(work.path, 'Bench Authority')
  const { secureEndpoint, directory, stop } = await startNginx({ tls })
  const url = `${secureEndpoint}/dav`
  return {
    name: 'nginx, WebDAV over TLS',
    endpoint: url,
    nimctl: { url: (bucket, prefix) => `${url}/${bucket}/${prefix}`, flags: [] },
    peers: ['rclone'],
    env: { NIMCTL_CA_FILE: tls.caFile, RCLONE_CA_CERT: tls.caFile, ...rclone({ TYPE: 'webdav', URL: url }) },
    async newBucket(name) {
      await mkdir(join(directory, 'dav', name))
      return name
    },
    async stop() {
      await stop()
      work.remove()
    },
  }
}
