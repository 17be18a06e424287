import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { execa } from 'execa'

import { answer } from './answer.ts'
import { createBuckets, type Keys } from './create-buckets.ts'
import { freePort } from './free-port.ts'
import { requireProgram } from './locate.ts'
import { startProcess } from './start-process.ts'
import { makeTemporaryDirectory } from './temporary-directory.ts'
import { toolEnvironment } from './tool-environment.ts'

export interface Versitygw {
  endpoint: string
  /** What a client needs in its environment: endpoint, region and credentials. */
  env: Record<string, string>
  stop: () => Promise<void>
}

/** S3 over a directory, made after Amazon's: it serves and checks more than SeaweedFS does. */
export async function startVersitygw({
  credentials,
  others = [],
  buckets = [],
}: {
  credentials: Keys
  /** Who else is let in, as far as a bucket's policy says. */
  others?: readonly Keys[]
  buckets?: readonly string[]
}): Promise<Versitygw> {
  const command = requireProgram('versitygw', 'versitygw')
  const directory = makeTemporaryDirectory()
  const data = join(directory.path, 'data')
  const accounts = join(directory.path, 'accounts')
  mkdirSync(data)
  mkdirSync(accounts)
  const port = await freePort()
  const endpoint = `http://127.0.0.1:${port}`
  const { accessKeyId, secretAccessKey } = credentials
  try {
    const gateway = await startProcess({
      name: 'VersityGW',
      command,
      args: ['--port', `127.0.0.1:${port}`, '--quiet', '--iam-dir', accounts, 'posix', data],
      env: toolEnvironment({ ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey }),
      logFile: join(directory.path, 'versitygw.log'),
      isReady: async () => (await answer(endpoint)) !== undefined,
      graceMs: 0,
    })
    const stop = async () => {
      await gateway.stop()
      directory.remove()
    }
    const prepare = async () => {
      await createBuckets(buckets, { endpoint, credentials })
      for (const keys of others) await createUser(command, keys, { endpoint, credentials })
    }
    await prepare().catch(async (error: unknown) => {
      await stop()
      throw error
    })
    const keys = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey }
    return { endpoint, env: { AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1', ...keys }, stop }
  } catch (error) {
    directory.remove()
    throw error
  }
}

async function createUser(
  command: string,
  { accessKeyId, secretAccessKey }: Keys,
  { endpoint, credentials }: { endpoint: string; credentials: Keys },
): Promise<void> {
  const env = {
    ADMIN_ENDPOINT_URL: endpoint,
    ADMIN_ACCESS_KEY: credentials.accessKeyId,
    ADMIN_SECRET_KEY: credentials.secretAccessKey,
  }
  const user = ['--access', accessKeyId, '--secret', secretAccessKey, '--role', 'user']
  await execa(command, ['admin', 'create-user', ...user], { env: toolEnvironment(env), extendEnv: false })
}
