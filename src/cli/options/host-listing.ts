import { resolve } from 'node:path'

import { machineElsewhere } from '../../cache/engine-elsewhere.ts'
import type { NimImage } from '../../image/inspect.ts'
import type { ProfileListing } from '../../profiles/listing.ts'
import type { ModelManifest } from '../../profiles/model-manifest.ts'
import type { ContainerEngine } from '../../system/container-engine.ts'
import type { Context } from '../context.ts'
import type { GlobalFlags } from '../program.ts'
import { ngcKey } from '../settings.ts'
import { withoutLogs } from './cluster-jobs.ts'
import { networkEnvironment, warnOfLoopbackProxy } from './container-network.ts'
import { containerSettings, type EngineFlags } from './engine.ts'

export interface HostQuestion {
  engine: ContainerEngine
  image: NimImage
  manifest: ModelManifest | undefined
  flags: EngineFlags & GlobalFlags
  context: Context
}

/** Asks the image, in a container on the engine's host, what that host can run. */
export async function listImageOn({ engine, image, manifest, flags, context }: HostQuestion): Promise<ProfileListing> {
  const { listWithDocker } = await import('../../profiles/docker-source.ts')
  const key = ngcKey(context.env)
  // A file of this machine is none of another's.
  const caBundle = machineElsewhere(engine) === undefined ? context.env.SSL_CERT_FILE : undefined
  const settings = containerSettings(flags, context)
  warnOfLoopbackProxy(context, flags.network)
  return await listWithDocker(
    {
      engine,
      image: image.reference,
      family: image.family,
      ...settings,
      env: { ...networkEnvironment(context, { fromHub: false }), ...settings.env },
      ...(key !== undefined && { key }),
      ...(caBundle && { caBundle: resolve(caBundle) }),
      ...(manifest !== undefined && { manifest }),
    },
    { signal: context.signal, report: withoutLogs(context, flags) },
  )
}
