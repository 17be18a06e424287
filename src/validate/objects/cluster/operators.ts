import { type Reading, valueOf } from '../../../kubernetes/objects.ts'
import { type FoundOperator, findOperatorVersion, listOperatorDeployments } from '../../../operator/find-version.ts'
import { operatorApi } from '../../../operator/objects.ts'
import type { OperatorVersion } from '../../../operator/versions.ts'
import { numberAt, textAt } from '../../../system/json.ts'
import { forbiddenVerdict, type Look, unprovable, type Verdict } from './look.ts'

/** @param gpus that the nodes offer: with some, the GPU Operator or something in its place does its work. */
export async function checkGpuOperator(
  { cluster, subjects, signal }: Look,
  gpus: number | undefined,
): Promise<Verdict[]> {
  if (gpus === undefined || subjects.every(({ needs }) => needs.pods.every(pod => pod.gpus === 0))) return []
  const about = { name: 'objects.gpu-operator', path: cluster.address, expected: 'a GPU Operator that is ready' }
  const policies = await cluster.listObjects(
    { apiVersion: 'nvidia.com/v1', kind: 'ClusterPolicy', allNamespaces: true },
    signal,
  )
  if (policies.answer === 'forbidden') return [forbiddenVerdict(about, policies)]
  const [policy] = valueOf(policies) ?? []
  if (policy === undefined) {
    if (gpus > 0) return [{ ...about, status: 'ok', found: 'none; the nodes offer GPUs without it' }]
    return [
      {
        ...about,
        status: 'failed',
        found: 'none is installed',
        next: 'Install it, or a device plugin: https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/',
      },
    ]
  }
  const state = textAt(policy, 'status', 'state') ?? 'no state'
  if (state === 'ready') return [{ ...about, status: 'ok', found: `ClusterPolicy ${policy.metadata.name}: ready` }]
  return [
    {
      ...about,
      status: gpus > 0 ? 'warning' : 'failed',
      found: `ClusterPolicy ${policy.metadata.name}: ${state}`,
      next: 'See which of its pods is not well: kubectl get pods -n gpu-operator',
    },
  ]
}

export async function checkRuntimeClasses({ cluster, subjects, signal }: Look): Promise<Verdict[]> {
  const wanted = subjects.flatMap(({ needs, label }) =>
    needs.pods.flatMap(({ path, runtimeClass }) =>
      runtimeClass === undefined ? [] : [{ path: label(`${path}.runtimeClassName`), runtimeClass }],
    ),
  )
  return await Promise.all(
    wanted.map(async ({ path, runtimeClass }) => {
      const about = { name: 'objects.runtime-class', path, expected: `RuntimeClass ${runtimeClass}` }
      const reading = await cluster.readObject(
        { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', name: runtimeClass },
        signal,
      )
      return presence(
        about,
        reading,
        'The GPU Operator makes nvidia; or leave the field away where containerd uses it by default.',
      )
    }),
  )
}

interface OperatorQuestion {
  /** Of `--operator-version`; absent: the one that is found. */
  asked: OperatorVersion | undefined
}

/** The NIM Operator: does it run, in which version, and are its CRDs there. Nothing where no object is for it. */
export async function checkNimOperator(
  look: Look,
  { asked }: OperatorQuestion,
): Promise<{ verdicts: Verdict[]; found: FoundOperator | undefined; servedKinds: ReadonlySet<string> }> {
  const { cluster, signal } = look
  const kinds = [
    ...new Set(look.subjects.filter(({ apiVersion }) => apiVersion === operatorApi).map(({ kind }) => kind)),
  ]
  if (kinds.length === 0) return { verdicts: [], found: undefined, servedKinds: new Set() }
  const running = await verdictOnDeployment(look)
  const found = await findOperatorVersion(cluster, signal)
  const served = await Promise.all(
    kinds.map(async kind => ({ kind, served: await cluster.findKind({ apiVersion: operatorApi, kind }, signal) })),
  )
  const crds = served.map(({ kind, served: resource }): Verdict => {
    const about = { name: 'objects.crd', path: cluster.address, expected: `the CRD of ${kind}` }
    if (resource !== undefined) return { ...about, status: 'ok', found: `${resource.plural}.apps.nvidia.com` }
    return {
      ...about,
      status: 'failed',
      found: 'none',
      next: 'They come with the NIM Operator: helm install, or kubectl apply its crds/.',
    }
  })
  return {
    verdicts: [running, versionVerdict(look, { asked, found }), ...crds],
    found,
    servedKinds: new Set(served.flatMap(({ kind, served: resource }) => (resource === undefined ? [] : [kind]))),
  }
}

async function verdictOnDeployment(look: Look): Promise<Verdict> {
  const { cluster, signal } = look
  const about = { name: 'objects.nim-operator', path: cluster.address, expected: 'a NIM Operator that runs' }
  const [deployment] = await listOperatorDeployments(cluster, signal)
  if (deployment === undefined) {
    const all = await cluster.listObjects({ apiVersion: 'apps/v1', kind: 'Deployment', allNamespaces: true }, signal)
    if (all.answer === 'forbidden') return forbiddenVerdict(about, all)
    return {
      ...about,
      status: 'failed',
      found: 'no Deployment of it',
      next: 'Install it: https://docs.nvidia.com/nim-operator/latest/install.html',
    }
  }
  const { namespace = '', name } = deployment.metadata
  const ready = numberAt(deployment, 'status', 'readyReplicas') ?? 0
  const found = `${namespace}/${name}: ${ready} of ${numberAt(deployment, 'spec', 'replicas') ?? 1} ready`
  if (ready > 0) return { ...about, status: 'ok', found }
  return { ...about, status: 'failed', found, next: `See why: kubectl -n ${namespace} describe pods` }
}

function versionVerdict(
  { cluster }: Look,
  { asked, found }: OperatorQuestion & { found: FoundOperator | undefined },
): Verdict {
  const about = {
    name: 'objects.operator-version',
    path: cluster.address,
    expected: asked === undefined ? 'a known version' : `operator ${asked}`,
  }
  if (found === undefined) return unprovable(about, 'neither its image nor its CRDs tell')
  const evidence = `${found.version}, by ${found.evidence}`
  if (asked === undefined || asked === found.version) return { ...about, status: 'ok', found: evidence }
  return {
    ...about,
    status: 'warning',
    found: evidence,
    next: `The objects were judged by ${asked}: leave --operator-version away, and they are judged by what is found.`,
  }
}

/** Of something that must be there. */
export function presence(
  about: Pick<Verdict, 'name' | 'path' | 'expected'>,
  reading: Reading<unknown>,
  next: string,
): Verdict {
  switch (reading.answer) {
    case 'found':
      return { ...about, status: 'ok', found: 'there' }
    case 'forbidden':
      return forbiddenVerdict(about, reading)
    case 'absent':
      return { ...about, status: 'failed', found: 'nothing', next }
    case 'not-served':
      return { ...about, status: 'failed', found: 'the API server knows no such kind', next }
  }
}
