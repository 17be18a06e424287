import { createBuckets } from '../servers/create-buckets.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'
import { startVersitygw } from '../servers/versitygw.ts'
import { clientEnvironment, type Server } from './server.ts'

const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' }

export async function startSeaweed(): Promise<Server> {
  return realServer('SeaweedFS', await startSeaweedfs({ credentials }))
}

export async function startVersity(): Promise<Server> {
  return realServer('VersityGW', await startVersitygw({ credentials }))
}

function realServer(name: string, { endpoint, stop }: { endpoint: string; stop: () => Promise<void> }): Server {
  return {
    name,
    endpoint,
    env: clientEnvironment(endpoint, credentials),
    async newBucket(bucket) {
      await createBuckets([bucket], { endpoint, credentials })
      return bucket
    },
    stop,
  }
}
