import type { MirroredImage } from '../image/mirror-result.ts'
import type { InventoryHeader } from '../inventory/inventory.ts'
import type { OperatorVersion } from '../operator/versions.ts'

/** What the request of every kind says. All defaults are filled in but those that follow from the inventory. */
export interface Target {
  /** As the user named it: for the command that a refusal proposes. */
  kind: string
  /** Of the object that the kind is called after. */
  name: string
  namespace?: string
  operatorVersion: OperatorVersion
}

/** What was uploaded, and how a pod reaches it. */
export interface UploadedCache {
  header: InventoryHeader
  /** Where the inventory was read: what this machine calls the prefix. */
  cacheUrl: URL
  /** The same prefix as the cluster calls it, where that differs. */
  storeUrl?: URL
  /** `sha256:…` of the inventory; the loader refuses another. */
  inventoryDigest?: string
  /** An existing Secret with the store's credentials; default `<name>-store`. */
  storeSecret?: string
  /** Of S3, gs or Azure, as the cluster reaches it. */
  endpointUrl?: URL
  /** Of S3. */
  region?: string
  storeSettings?: StoreSettings
}

/** A store as pods reach it, whatever lies there. */
export type StorePlace = Omit<UploadedCache, 'header'>

/** How the store was read here, as far as the loader has to do it likewise. Nothing secret. */
export interface StoreSettings {
  /** `false`: a public store. */
  signRequests?: boolean
  /** Of s3. */
  pathStyle?: boolean
  requestPayer?: 'requester'
  /** Of gs: the project that pays, whom to act as, and a server in Google's place. */
  billingProject?: string
  impersonate?: readonly string[]
  emulatorHost?: string
  /** Of `az` URLs. */
  azureAccount?: string
  /** Of hdfs: who asks, and where WebHDFS is spoken. */
  hdfsUser?: string
  webhdfsUrls?: readonly URL[]
  hdfsClient?: true
  /** Of https: headers of a file are sent. */
  headerFile?: true
  /** This side proves who it is. */
  clientCertificate?: true
  /** The server's CA was given in a file; the cluster has it in a ConfigMap, under the key `ca.crt`. */
  caFile?: true
  caConfigMap?: string
  insecureSkipTlsVerify?: true
}

/** Where the cluster pulls images from. */
export interface ImagePlace {
  /** Host, port and prefix that images were mirrored to, such as `registry.internal:5000/mirror`. */
  imageRegistry?: string
  /** What was mirrored, and as which digest: images are named by it. */
  mirrored?: readonly MirroredImage[]
  /** An existing Secret of type docker-registry. */
  pullSecret?: string
}

export interface VolumeRequest {
  /** A quantity; default: from the inventory's bytes. */
  size?: string
  /** Default: the cluster's default class. */
  storageClass?: string
  /** Default `ReadWriteMany`: the Job and the pods of the service may run on different nodes. */
  accessMode?: string
  /** An existing claim, instead of a new one. */
  claimName?: string
  /** Of the volume, where the files are to lie. */
  subPath?: string
  /** Of a new claim. */
  annotations?: Record<string, string>
}

export function metadata({ name, namespace }: { name: string; namespace?: string | undefined }) {
  return namespace === undefined ? { name } : { name, namespace }
}
