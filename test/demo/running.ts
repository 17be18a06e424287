import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { standIns } from '../../fixtures/stand-in/catalogue.ts'
import { connectEngine } from '../../fixtures/stand-in/engine.ts'
import { buildStandInImages } from '../../fixtures/stand-in/image.ts'
import { startNgc } from '../../fixtures/stand-in/ngc.ts'
import { startDocker } from '../servers/docker.ts'
import type { Part } from '../servers/parts.ts'
import { startRegistry } from '../servers/registry.ts'
import { startSeaweedfs } from '../servers/seaweedfs.ts'

/** What a step of the demo can count on. */
export interface Running {
  image: string
  /** Absent where it could not be had. */
  engine?: string
  registry?: string
  skopeo: boolean
  /** URL of the prefix to upload to. */
  store: string
  env: Record<string, string>
  stop(): Promise<void>
}

const credentials = { accessKeyId: 'demo', secretAccessKey: 'demo-secret' }

/** Starts what is there on free loopback ports; whatever was started is stopped when one fails. */
export async function startParts(
  there: ReadonlySet<Part>,
  { work, say }: { work: string; say: (line: string) => void },
): Promise<Running> {
  const stops: (() => Promise<void>)[] = []
  const started = async <T extends { stop(): Promise<void> }>(what: string, start: Promise<T>): Promise<T> => {
    const server = await start
    stops.unshift(() => server.stop())
    say(`Started ${what}.`)
    return server
  }
  const stop = async () => {
    for (const stopOne of stops) await stopOne()
  }
  try {
    const running: Running = {
      image: standIns.llm1.reference,
      skopeo: there.has('skopeo'),
      store: pathToFileURL(join(work, 'share/llama')).href,
      env: {},
      stop,
    }
    if (there.has('docker')) {
      const { host } = await started('a Docker Engine', startDocker())
      await buildStandInImages({ docker: connectEngine(host), only: [running.image] })
      const { endpoint } = await started('a stand-in for NGC', startNgc())
      running.engine = host
      running.env = {
        DOCKER_HOST: host,
        NGC_API_KEY: 'nvapi-stand-in-demo-key',
        NGC_API_ENDPOINT: endpoint,
        NGC_AUTH_ENDPOINT: endpoint,
        NGC_API_SCHEME: 'http',
      }
    }
    if (there.has('registry')) running.registry = (await started('a registry', startRegistry())).host
    if (there.has('seaweedfs')) {
      const { env } = await started('SeaweedFS, an S3 server', startSeaweedfs({ credentials, buckets: ['models'] }))
      running.store = 's3://models/llama'
      running.env = { ...running.env, ...env }
    }
    return running
  } catch (error) {
    await stop()
    throw error
  }
}
