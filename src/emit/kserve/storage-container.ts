import type { V1Container } from '@kubernetes/client-node'

import { restrictedContainer } from '../../kubernetes/job.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { loaderContract } from '../loader/contract.ts'
import { loaderEnvironment } from '../loader/env.ts'
import type { Target, UploadedCache } from '../request.ts'
import { joined, type EmitResult } from '../result.ts'
import { emitted } from '../result.ts'
import { refuseNoCache } from './storage-uri.ts'

interface ClusterStorageContainer extends KubernetesObject {
  spec: { container: V1Container; supportedUriFormats: { regex: string }[]; workloadType: 'initContainer' }
}

interface StorageContainerRequest extends Target {
  uploaded: UploadedCache
  loaderImage: string
}

/** It belongs to the whole cluster, so the namespace stands in its name. */
export function storageContainerName({ name, namespace }: Pick<Target, 'name' | 'namespace'>): string {
  return ['nimctl', namespace, name].filter(part => part !== undefined).join('-')
}

/**
 * nimctl's own image as KServe's storage initializer, for this upload alone: it is told by its environment which upload
 * that is and how its store is reached, and needs no look at the address and the directory that KServe calls it with.
 * Links, empty files and modes come back, and all of it is verified.
 *
 * @param directory where KServe has the model.
 * @throws NimctlError `usage` / `LAYOUT_MISMATCH`, `NAME_INVALID`, and where the loader can't read such a store.
 */
export function storageContainer(
  request: StorageContainerRequest,
  { url, directory }: { url: URL; directory: string },
): EmitResult & { storageUri: string } {
  const { uploaded, loaderImage } = request
  refuseNoCache(url, uploaded.header)
  const { env, secretEnv, secretName: _, ...surroundings } = loaderEnvironment(request)
  const storageUri = url.href.replace(/\/*$/, '/')
  const object: ClusterStorageContainer = {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ClusterStorageContainer',
    metadata: { name: storageContainerName(request) },
    spec: {
      container: {
        name: 'storage-initializer',
        image: loaderImage,
        imagePullPolicy: 'IfNotPresent',
        command: [loaderContract.program],
        env: [{ name: loaderContract.targetVariable, value: directory }, ...env, ...secretEnv],
        resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '4', memory: '4Gi' } },
        securityContext: restrictedContainer,
      },
      supportedUriFormats: [{ regex: `^${literally(storageUri)}$` }],
      workloadType: 'initContainer',
    },
  }
  return {
    ...joined(surroundings, emitted({ objects: [object], warnings: [olderVersions], comments })),
    storageUri,
  }
}

/** For a regular expression of Go. */
function literally(text: string): string {
  return text.replaceAll(/[\\.+*?()|[\]{}^$]/g, String.raw`\$&`)
}

/** https://github.com/kserve/kserve/pull/5314, https://github.com/kserve/website/issues/738 */
const olderVersions =
  'storageContainerName needs KServe 0.20. Before, KServe takes any ClusterStorageContainer whose formats match, and its ' +
  'own matches too: take the format out of that one, or leave out --loader-image.'

const comments = [
  {
    kind: 'ClusterStorageContainer',
    path: ['spec', 'container', 'name'],
    text: 'KServe finds it by this name.',
  },
  {
    kind: 'ClusterStorageContainer',
    path: ['spec', 'container', 'env'],
    text: 'Secrets are those in the namespace of the InferenceService.',
  },
  {
    kind: 'ClusterStorageContainer',
    path: ['spec', 'container', 'resources'],
    text: "In the place of KServe's own, which are too small for it.",
  },
]
