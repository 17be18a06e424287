import type { V1ServiceAccount } from '@kubernetes/client-node'

import { checkReferredName } from '../../operator/names.ts'
import type { KubernetesObject } from '../../operator/objects.ts'
import { isAzureHost } from '../../stores/azure/host.ts'
import { NimctlError } from '../../system/errors.ts'
import { metadata, type Target, type UploadedCache } from '../request.ts'
import { emitted, type EmitResult } from '../result.ts'
import { s3Environment, s3Secret } from '../stores/s3.ts'

export interface KserveCredentialsRequest extends Target {
  uploaded: UploadedCache
  /** An existing one that has the credentials in some way, such as a role of the cloud. */
  serviceAccount?: string
}

/** What the initializer gets its credentials by. */
export interface KserveCredentials extends EmitResult {
  serviceAccountName?: string
}

/**
 * KServe's webhook reads a Secret that the pod's ServiceAccount refers to, and knows by its keys for which store it is;
 * what is not secret of S3 it reads from the Secret's annotations
 * (https://kserve.github.io/website/docs/model-serving/storage/providers/s3, pkg/credentials of kserve).
 *
 * @throws NimctlError `usage` / `NAME_INVALID`, `KSERVE_CA`.
 */
export function kserveCredentials(request: KserveCredentialsRequest, url: URL): KserveCredentials {
  const { name, namespace, serviceAccount, uploaded } = request
  if (uploaded.storeSettings?.caConfigMap !== undefined && url.protocol !== 's3:') throw noCa()
  if (serviceAccount !== undefined) {
    checkReferredName('ServiceAccount', serviceAccount)
    return { ...emitted({ prerequisites: existing(serviceAccount) }), serviceAccountName: serviceAccount }
  }
  const secretName = uploaded.storeSecret ?? `${name}-store`
  checkReferredName('Secret', secretName)
  const contents = contentsFor(request, url)
  // A web server asks for none, unless somebody says so; nor does a public container of Azure or Google.
  if (contents === undefined) return emitted({})
  const place = namespace === undefined ? '' : ` -n ${namespace}`
  const object: V1ServiceAccount & KubernetesObject = {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: metadata({ name, namespace }),
    secrets: [{ name: secretName }],
  }
  const annotations = Object.entries(contents.annotations).map(([key, value]) => ` ${annotationPrefix}${key}=${value}`)
  return {
    ...emitted({
      objects: [object],
      comments: [{ kind: 'ServiceAccount', path: ['secrets'], text: 'KServe hands it to the storage initializer.' }],
      prerequisites: [
        `Secret ${secretName}: kubectl create secret generic ${secretName}${place} ${contents.command}`,
        ...(annotations.length > 0
          ? [
              `its annotations, from which KServe has the rest: kubectl annotate secret ${secretName}${place}${annotations.join('')}`,
            ]
          : []),
        ...caPrerequisites(request, place),
      ],
      warnings: contents.warnings,
    }),
    serviceAccountName: name,
  }
}

function existing(serviceAccount: string): string[] {
  return [`ServiceAccount ${serviceAccount}, whose credentials may read the store`]
}

const annotationPrefix = 'serving.kserve.io/'

interface SecretContents {
  /** Of `kubectl create secret generic NAME`, and what the file has. */
  command: string
  annotations: Record<string, string>
  warnings: string[]
}

function contentsFor(request: KserveCredentialsRequest, url: URL): SecretContents | undefined {
  const plain = { annotations: {}, warnings: [] }
  if (url.protocol !== 's3:' && request.uploaded.storeSettings?.signRequests === false) return undefined
  switch (url.protocol) {
    case 's3:':
      return s3Contents(request)
    case 'gs:':
      return {
        ...plain,
        command:
          '--from-file=gcloud-application-credentials.json=FILE, where FILE is the key of a Google service account',
      }
    case 'hdfs:':
    case 'webhdfs:':
    case 'swebhdfs:':
      return { ...plain, command: hdfsCommand(request, url), warnings: [hdfsWarning] }
    default:
      return isAzureHost(url.hostname) ? { ...plain, command: azureCommand } : httpsContents(request, url)
  }
}

/** Names of its keys: pkg/credentials/azure/azure_secret.go of kserve. */
const azureCommand =
  '--from-env-file=FILE, where FILE has the line AZURE_STORAGE_ACCESS_KEY=…, or for an identity the lines ' +
  'AZURE_SUBSCRIPTION_ID=… and AZURE_TENANT_ID=… and AZURE_CLIENT_ID=… and AZURE_CLIENT_SECRET=…'

/** Names of its annotations: pkg/credentials/s3 of kserve. It puts the scheme before the endpoint itself. */
function s3Contents({ uploaded }: KserveCredentialsRequest): SecretContents {
  const { env, warnings } = s3Environment(uploaded)
  const { pathStyle, caConfigMap, signRequests = true } = uploaded.storeSettings ?? {}
  const region = env.find(({ name }) => name === 'AWS_REGION')?.value
  const { endpointUrl } = uploaded
  if (endpointUrl !== undefined && endpointUrl.pathname !== '/')
    throw new NimctlError('usage', 'KSERVE_UNREADABLE', {
      what: `KServe can't ask ${endpointUrl.href}.`,
      why: 'It takes a host and a port for the endpoint of an S3 service, and no path.',
      next: 'Give an address without a path: --store-endpoint-url https://HOST:PORT',
    })
  return {
    command: s3Secret.howToMake,
    annotations: {
      ...(endpointUrl !== undefined && {
        's3-endpoint': endpointUrl.host,
        's3-usehttps': endpointUrl.protocol === 'https:' ? '1' : '0',
      }),
      ...(region !== undefined && { 's3-region': region }),
      ...(pathStyle === false && { 's3-usevirtualbucket': 'true' }),
      // KServe reads the annotations of a Secret that has the keys, whatever their values are.
      ...(!signRequests && { 's3-useanoncredential': 'true' }),
      ...(caConfigMap !== undefined && { 's3-cabundle-configmap': caConfigMap }),
    },
    warnings,
  }
}

function caPrerequisites({ uploaded }: KserveCredentialsRequest, place: string): string[] {
  const { caConfigMap } = uploaded.storeSettings ?? {}
  if (caConfigMap === undefined) return []
  checkReferredName('ConfigMap', caConfigMap)
  return [`ConfigMap ${caConfigMap}: kubectl create configmap ${caConfigMap}${place} --from-file=cabundle.crt=FILE`]
}

function noCa(): NimctlError {
  return new NimctlError('usage', 'KSERVE_CA', {
    what: 'KServe takes a CA of one InferenceService for S3 alone.',
    why: 'For other stores it knows one bundle for all: caBundleConfigMapName in its inferenceservice-config.',
    next: 'Leave out --store-ca, and set that one',
  })
}

/** Several namenodes with semicolons between, as the initializer's client takes them. */
function hdfsCommand({ uploaded }: KserveCredentialsRequest, url: URL): string {
  const port = url.protocol === 'hdfs:' || url.port === '' ? '9870' : url.port
  const scheme = url.protocol === 'swebhdfs:' ? 'https' : 'http'
  const { webhdfsUrls = [] } = uploaded.storeSettings ?? {}
  const named = webhdfsUrls.map(({ href }) => href.replace(/\/$/, '')).join(';')
  const namenodes = named || `${scheme}://${url.hostname}:${port}`
  return (
    `--from-literal=HDFS_NAMENODE='${namenodes}', and with Kerberos ` +
    '--from-literal=KERBEROS_PRINCIPAL=… --from-file=KERBEROS_KEYTAB=FILE'
  )
}

const hdfsWarning =
  'Without Kerberos KServe asks HDFS as nobody in particular: the files must be readable by all, or give nimctl’s own image with --loader-image.'

/** The headers go into the initializer's environment under the host's name. */
function httpsContents({ uploaded }: KserveCredentialsRequest, url: URL): SecretContents | undefined {
  if (uploaded.storeSecret === undefined) return undefined
  return {
    command: `--from-literal=https-host=${url.hostname} --from-file=headers=FILE, where FILE has the headers as JSON, such as {"Authorization":"Bearer …"}`,
    annotations: {},
    warnings: [],
  }
}
