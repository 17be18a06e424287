import type { Finding } from '../../operator/finding.ts'
import { checkReferredName } from '../../operator/names.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { refuseFindings } from '../check.ts'
import { sizeWithHeadroom } from '../claim.ts'
import { metadata, type VolumeRequest } from '../request.ts'
import { emitted, type EmitResult } from '../result.ts'

interface NewClaim {
  name: string
  namespace?: string | undefined
  volume: VolumeRequest
  /** Of the files that it is to hold. */
  bytes: number
}

/** A PersistentVolumeClaim of nobody: it stays when NIMCache, NIMService and Job go. */
export function emitVolumeClaim({ name, namespace, volume, bytes }: NewClaim): EmitResult {
  checkReferredName('PersistentVolumeClaim', name)
  const { size, storageClass, accessMode, annotations } = volume
  refuseFindings(problemsOf(volume))
  const object: KubernetesObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { ...metadata({ name, namespace }), ...(annotations && { annotations }) },
    spec: {
      accessModes: [accessMode ?? 'ReadWriteMany'],
      ...(storageClass !== undefined && { storageClassName: storageClass }),
      resources: { requests: { storage: size ?? sizeWithHeadroom(bytes) } },
    },
  }
  const text = 'Whoever removes it removes the model files; the loader fetches them again.'
  return emitted({ objects: [object], comments: [{ kind: 'PersistentVolumeClaim', path: ['metadata'], text }] })
}

const accessModes = ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod']

/** Of apimachinery's resource.Quantity, the forms that make sense for a volume. */
const quantity = /^\d+(\.\d+)?([kMGTPE]|[KMGTPE]i)?$/

const shared = {
  rule: 'claim-invalid',
  severity: 'refused',
  source:
    'https://kubernetes.io/docs/reference/kubernetes-api/config-and-storage-resources/persistent-volume-claim-v1/',
} as const

function problemsOf({ size, accessMode }: VolumeRequest): Finding[] {
  const path = 'spec'
  return [
    ...(accessMode === undefined || accessModes.includes(accessMode)
      ? []
      : [
          {
            ...shared,
            path: `${path}.accessModes`,
            message: `unrecognized "${accessMode}": one of ${accessModes.join(', ')}`,
          },
        ]),
    ...(size === undefined || quantity.test(size)
      ? []
      : [{ ...shared, path: `${path}.resources.requests.storage`, message: `"${size}" is no quantity such as 50Gi` }]),
  ]
}
