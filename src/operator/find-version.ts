import type { Cluster } from '../kubernetes/cluster.ts'
import { type AnyObject, valueOf } from '../kubernetes/objects.ts'
import { read, textAt } from '../system/json.ts'
import { nearestBelow, type OperatorVersion, operatorVersions } from './versions.ts'

export interface FoundOperator {
  /** What nimctl knows of that is nearest below. */
  version: OperatorVersion
  /** `image`: the tag of what runs. `crds`: fields of the installed CRDs, where no Deployment or no tag could be read. */
  by: 'image' | 'crds'
  /** For people: `the image nvcr.io/…:v3.1.2 of nim-operator/k8s-nim-operator`. */
  evidence: string
}

/**
 * Which NIM Operator the cluster has. Neither the label `app.kubernetes.io/version` nor the chart's own version is asked:
 * both say 3.0.0 up to 3.1.2 (reference/operator.md, section 1). `undefined` where there is none, or this user may see
 * neither its Deployment nor its CRDs.
 *
 * @throws NimctlError what the cluster throws.
 */
export async function findOperatorVersion(cluster: Cluster, signal: AbortSignal): Promise<FoundOperator | undefined> {
  return (await findByImage(cluster, signal)) ?? (await findByCrds(cluster, signal))
}

/** Where NVIDIA's documentation installs it; looked at where this user may not look into all namespaces. */
const usualNamespaces = ['nim-operator', 'nvidia-nim-operator', 'gpu-operator', 'openshift-operators']

/** Deployments that run the NIM Operator, of all namespaces that this user may look into. */
export async function listOperatorDeployments(cluster: Cluster, signal: AbortSignal): Promise<AnyObject[]> {
  const kind = { apiVersion: 'apps/v1', kind: 'Deployment' }
  const all = await cluster.listObjects({ ...kind, allNamespaces: true }, signal)
  const places = all.answer === 'forbidden' ? new Set([...usualNamespaces, cluster.namespace]) : new Set<string>()
  const lists = [valueOf(all) ?? []]
  for (const namespace of places) lists.push(valueOf(await cluster.listObjects({ ...kind, namespace }, signal)) ?? [])
  return lists.flat().filter(deployment => operatorImage(deployment) !== undefined)
}

function operatorImage(deployment: AnyObject): string | undefined {
  const containers = read(deployment, 'spec', 'template', 'spec', 'containers')
  const images = Array.isArray(containers) ? containers.map(container => textAt(container, 'image') ?? '') : []
  return images.find(image => /(?:^|\/)k8s-nim-operator(?:[:@]|$)/.test(image))
}

async function findByImage(cluster: Cluster, signal: AbortSignal): Promise<FoundOperator | undefined> {
  for (const deployment of await listOperatorDeployments(cluster, signal)) {
    const image = operatorImage(deployment) ?? ''
    const version = versionOfTag(/:([\w.-]+)(?:@|$)/.exec(image)?.[1])
    const { namespace = '', name } = deployment.metadata
    if (version !== undefined)
      return { version, by: 'image', evidence: `the image ${image} of the Deployment ${namespace}/${name}` }
  }
  return undefined
}

/** Of a release, of a candidate of one (`v3.1.2-rc.1`), or `main`. */
function versionOfTag(tag: string | undefined): OperatorVersion | undefined {
  if (tag === 'main') return 'main'
  const release = /^v?(\d+\.\d+\.\d+)(?:-|$)/.exec(tag ?? '')?.[1]
  return release === undefined ? undefined : nearestBelow(release)
}

interface Mark {
  version: OperatorVersion
  crd: 'nimcaches' | 'nimservices'
  /** In the schema, from its root; `required` where it is the absence of a demand that tells. */
  path: readonly string[]
  notRequired?: string
}

/** What each version brought to the CRDs, newest first (reference/operator.md, section 1). */
const marks: readonly Mark[] = [
  { version: 'main', crd: 'nimservices', path: ['spec'], notRequired: 'authSecret' },
  { version: '3.1.2', crd: 'nimservices', path: ['spec', 'expose', 'service', 'labels'] },
  { version: '3.1.1', crd: 'nimcaches', path: ['status', 'type'] },
  { version: '3.1.0', crd: 'nimcaches', path: ['spec', 'initContainers'] },
  { version: '3.0.2', crd: 'nimservices', path: ['spec', 'affinity'] },
  { version: '3.0.0', crd: 'nimservices', path: ['spec', 'image'] },
]

async function findByCrds(cluster: Cluster, signal: AbortSignal): Promise<FoundOperator | undefined> {
  const schemas: Partial<Record<Mark['crd'], unknown>> = {}
  for (const crd of ['nimcaches', 'nimservices'] as const) schemas[crd] = await readSchema(cluster, crd, signal)
  const mark = marks.find(({ crd, path, notRequired }) => {
    const field = fieldAt(schemas[crd], path)
    return field !== undefined && (notRequired === undefined || !demands(field, notRequired))
  })
  if (mark === undefined) return undefined
  const { version, crd, path, notRequired } = mark
  const field = notRequired === undefined ? `has ${path.join('.')}` : `does not demand spec.${notRequired}`
  const earlier = operatorVersions.indexOf(version) > 0 ? `, which no version before ${version} does` : ''
  return { version, by: 'crds', evidence: `the CRD ${crd}.apps.nvidia.com ${field}${earlier}` }
}

async function readSchema(cluster: Cluster, crd: Mark['crd'], signal: AbortSignal): Promise<unknown> {
  const name = `${crd}.apps.nvidia.com`
  const kind = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' }
  const versions = read(valueOf(await cluster.readObject({ ...kind, name }, signal)), 'spec', 'versions')
  const served = Array.isArray(versions) ? versions.find(version => textAt(version, 'name') === 'v1alpha1') : undefined
  return read(served, 'schema', 'openAPIV3Schema')
}

function fieldAt(schema: unknown, path: readonly string[]): unknown {
  return path.reduce((field: unknown, name) => read(field, 'properties', name), schema)
}

function demands(field: unknown, name: string): boolean {
  const required = read(field, 'required')
  return Array.isArray(required) && required.includes(name)
}
