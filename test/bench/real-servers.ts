import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'

import { answer } from '../servers/answer.ts'
import { freePort } from '../servers/free-port.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'
import { startProcess } from '../servers/start-process.ts'
import { makeTemporaryDirectory } from '../servers/temporary-directory.ts'
import { toolEnvironment } from '../servers/tool-environment.ts'
import { clientEnvironment, type Server } from './server.ts'

const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }

export async function startSeaweed(): Promise<Server> {
  const { endpoint, stop } = await startSeaweedfs({ credentials })
  return realServer('SeaweedFS', endpoint, stop)
}

/** @param program path of versitygw */
export async function startVersity(program: string): Promise<Server> {
  const directory = makeTemporaryDirectory()
  const data = join(directory.path, 'data')
  mkdirSync(data)
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const gateway = await startProcess({
    name: 'VersityGW',
    command: program,
    args: ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data],
    env: toolEnvironment({
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
    }),
    logFile: join(directory.path, 'versitygw.log'),
    isReady: async () => (await answer(endpoint)) !== undefined,
    graceMs: 0,
  })
  return realServer('VersityGW', endpoint, async () => {
    await gateway.stop()
    directory.remove()
  })
}

function realServer(name: string, endpoint: string, stop: () => Promise<void>): Server {
  return {
    name,
    endpoint,
    env: clientEnvironment(endpoint, credentials),
    async newBucket(bucket) {
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
      try {
        await client.send(new CreateBucketCommand({ Bucket: bucket }))
      } finally {
        client.destroy()
      }
      return bucket
    },
    stop,
  }
}
