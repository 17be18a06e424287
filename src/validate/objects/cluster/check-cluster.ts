import type { Cluster } from '../../../kubernetes/cluster.ts'
import type { OperatorVersion } from '../../../operator/versions.ts'
import type { Check } from '../../../system/check.ts'
import { textAt } from '../../../system/json.ts'
import { type Judgement, placeIn } from '../judge.ts'
import type { LocatedObject } from '../read-yaml.ts'
import { checkMetrics, checkQuotas } from './capacity.ts'
import type { Look, Subject, Verdict } from './look.ts'
import { needsOf } from './needs.ts'
import { checkNodes } from './nodes.ts'
import { checkGpuOperator, checkNimOperator, checkRuntimeClasses } from './operators.ts'
import { checkNamespaces, checkReferences } from './references.ts'
import { checkWithServer, type OfflineVerdict } from './server.ts'
import { checkStorage } from './storage.ts'

/** What was found of the ground that objects will stand on. */
export interface Ground {
  checks: Check[]
  look: Look
  kubernetesVersion: string
  /** Of the NIM Operator that is there. */
  operatorVersion: OperatorVersion | undefined
  servedKinds: ReadonlySet<string>
  missingNamespaces: ReadonlySet<string>
}

interface GroundQuestion {
  cluster: Cluster
  objects: readonly LocatedObject[]
  /** Of `--operator-version`. */
  asked: OperatorVersion | undefined
  signal: AbortSignal
}

/** Asks a cluster for all that objects want of it, the lowest first. Nothing is changed. */
export async function checkGround({ cluster, objects, asked, signal }: GroundQuestion): Promise<Ground> {
  const look: Look = { cluster, subjects: objects.flatMap(located => subjectOf(located, cluster.namespace)), signal }
  const kubernetesVersion = await cluster.readServerVersion(signal)
  const nodes = await checkNodes(look)
  const gpuOperator = await checkGpuOperator(look, nodes.gpus)
  const runtimeClasses = await checkRuntimeClasses(look)
  const operator = await checkNimOperator(look, { asked })
  const namespaces = await checkNamespaces(look)
  const storage = await checkStorage(look)
  const references = await checkReferences(look)
  const capacity = [...(await checkMetrics(look)), ...(await checkQuotas(look))]
  const server: Verdict = { name: 'objects.api-server', status: 'ok', path: cluster.address, found: kubernetesVersion }
  const verdicts = [
    server,
    ...nodes.verdicts,
    ...gpuOperator,
    ...runtimeClasses,
    ...operator.verdicts,
    ...namespaces.verdicts,
    ...storage,
    ...references,
    ...capacity,
  ]
  return {
    checks: verdicts.map(asCheck),
    look,
    kubernetesVersion,
    operatorVersion: operator.found?.version,
    servedKinds: operator.servedKinds,
    missingNamespaces: namespaces.missing,
  }
}

/** Lets the API server try each object, and compares what it says with what nimctl said. */
export async function tryObjects(
  { look, servedKinds, missingNamespaces }: Ground,
  { judgements, operatorVersion }: { judgements: readonly Judgement[]; operatorVersion: OperatorVersion },
): Promise<Check[]> {
  const byObject = new Map(judgements.map(judgement => [judgement.located, judgement]))
  const offline = ({ located }: Subject) => offlineVerdict(byObject.get(located))
  const verdicts = await checkWithServer(look, { servedKinds, missingNamespaces, offline, operatorVersion })
  return verdicts.map(asCheck)
}

function offlineVerdict(judgement: Judgement | undefined): OfflineVerdict {
  const named = (name: string, from = /(?:)/) =>
    (judgement?.remarks ?? [])
      .filter(remark => remark.name === name && from.test(remark.expected ?? ''))
      .map(({ path }) => path)
  return {
    refused: named('objects.refused'),
    byWebhook: named('objects.refused', /webhook/),
    dropped: named('objects.dropped'),
  }
}

/** What has no name or kind is told elsewhere. */
function subjectOf(located: LocatedObject, clusterNamespace: string): Subject[] {
  const { value } = located
  const apiVersion = textAt(value, 'apiVersion')
  const kind = textAt(value, 'kind')
  if (apiVersion === undefined || kind === undefined) return []
  return [
    {
      located,
      apiVersion,
      kind,
      name: textAt(value, 'metadata', 'name') ?? '',
      namespace: textAt(value, 'metadata', 'namespace') ?? clusterNamespace,
      needs: needsOf(value),
      label: path => placeIn(located, path),
    },
  ]
}

function asCheck(verdict: Verdict): Check {
  return { ...verdict, method: 'structure' }
}
