import type { V1Container, V1Volume, V1VolumeMount } from '@kubernetes/client-node'

import { restrictedContainer } from '../../kubernetes/job.ts'
import { loaderContract } from '../loader/contract.ts'
import { loaderEnvironment } from '../loader/env.ts'
import type { Target, UploadedCache } from '../request.ts'
import type { EmitResult } from '../result.ts'

interface LoaderContainerRequest extends Target {
  uploaded: UploadedCache
  loaderImage: string
  /** Its name in the pod. */
  container: string
  /** To fill, within the mounted volume. */
  directory: string
  /** A quantity, that it asks for and may take. */
  memory?: string
  mount: V1VolumeMount
}

/** nimctl's own image, which fills a directory before the NIM starts. A pod that starts anew goes on where it was. */
export function loaderContainer(request: LoaderContainerRequest): EmitResult & { container: V1Container } {
  const { env, secretEnv, secretName: _, ...surroundings } = loaderEnvironment(request)
  const memory = request.memory ?? loaderMemory
  const container: V1Container = {
    name: request.container,
    image: request.loaderImage,
    imagePullPolicy: 'IfNotPresent',
    command: [loaderContract.program],
    env: [{ name: loaderContract.targetVariable, value: request.directory }, ...env, ...secretEnv],
    resources: { requests: { cpu: '1', memory }, limits: { memory } },
    securityContext: { ...restrictedContainer, readOnlyRootFilesystem: true },
    volumeMounts: [request.mount, { name: scratchVolume.name, mountPath: '/tmp' }],
  }
  return { ...surroundings, container }
}

/** State of the loader, and the files that credentials are put into. */
export const scratchVolume: V1Volume = { name: 'tmp', emptyDir: {} }

/** It holds parts in flight, not files: as much as a loader's Job gets. */
const loaderMemory = '1Gi'
