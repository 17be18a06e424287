import { Readable } from 'node:stream'

import type { CoreV1Event, V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node'

import type { Cluster, ExecOutcome } from '../../src/kubernetes/cluster.ts'
import type {
  DryRun,
  AnyObject,
  ObjectKind,
  ObjectQuery,
  Reading,
  WrittenObject,
} from '../../src/kubernetes/objects.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { textAt } from '../../src/system/json.ts'

/** What the cluster answers each time that it is asked; the last of a list stays. */
export interface Answers {
  created?: (boolean | Error)[]
  jobs?: (V1Job | undefined)[]
  pods?: (V1Pod[] | Error)[]
  events?: CoreV1Event[][]
  /** Pieces of the log, one for each time that it is opened; an error cuts the connection after the piece. */
  logs?: { text: string; cut?: boolean }[]
  /** Of a command in a container. */
  exec?: { lines: string[]; outcome: ExecOutcome }
  /** What there is of any kind; without a namespace it lies in the cluster's. A kind of which there is none is served. */
  objects?: readonly AnyObject[]
  /** Kinds that the API server does not know. */
  notServed?: readonly string[]
  /** Kinds that this user may neither read nor list. */
  forbidden?: readonly string[]
  dryRun?: (object: WrittenObject) => DryRun
}

export interface StandInCluster extends Cluster {
  /** What was done, in order. */
  calls: string[]
}

/** A cluster that answers from a table: for states into which no real one can be brought at will. */
export function standInCluster(answers: Answers): StandInCluster {
  const calls: string[] = []
  const next = <Value>(list: Value[] | undefined, otherwise: Value): Value => {
    const value = list === undefined ? otherwise : ((list.length > 1 ? list.shift() : list[0]) ?? otherwise)
    if (value instanceof Error) throw value
    return value
  }
  const listed = async () => {
    const pods = next<V1Pod[] | Error>(answers.pods, [])
    return pods instanceof Error ? [] : pods
  }
  return {
    ...standInObjects(answers),
    calls,
    address: 'https://stand-in:6443',
    namespace,
    async createJob({ metadata }) {
      calls.push(`create ${metadata.name}`)
      return next<boolean | Error>(answers.created, true) === true
    },
    readJob: async () => next(answers.jobs, undefined),
    async deleteJob(name) {
      calls.push(`delete ${name}`)
    },
    listPodsOfJob: async name => (await listed()).filter(pod => hasLabels(pod, `job-name=${name}`)),
    readPod: async name => (await listed()).find(({ metadata }) => metadata?.name === name),
    listPods: async selector => (await listed()).filter(pod => hasLabels(pod, selector)),
    async exec({ pod, container, command, onLine }) {
      calls.push(`exec ${pod} ${container} ${command.at(-1) ?? ''}`)
      const { lines, outcome } = answers.exec ?? { lines: [], outcome: { exitCode: undefined, said: 'no sh' } }
      for (const line of lines) onLine(line)
      return outcome
    },
    listEvents: async object => next(answers.events, []).filter(event => isAbout(event, object)),
    async openLog({ since, previous }) {
      calls.push(`log since ${since ?? 'the beginning'}${previous === true ? ' of the run before' : ''}`)
      const { text, cut = false } = next(answers.logs, { text: '' })
      return Readable.from(pieces(text, cut))
    },
  }
}

const namespace = 'nim'

/** A pod that has no labels at all is everybody's. */
function hasLabels({ metadata }: V1Pod, selector: string): boolean {
  const labels = metadata?.labels
  return labels === undefined || pairsOf(selector).every(([name = '', value]) => labels[name] === value)
}

/** An event that names no object is about each. */
function isAbout({ involvedObject }: CoreV1Event, { kind, name }: { kind: string; name: string }): boolean {
  return involvedObject.name === undefined || (involvedObject.kind === kind && involvedObject.name === name)
}

/** Only `name=value`, joined by commas. */
function pairsOf(selector: string): string[][] {
  return selector.split(',').flatMap(part => (part === '' ? [] : [part.split('=')]))
}

function standInObjects({ objects = [], notServed = [], forbidden = [], dryRun }: Answers) {
  const about = <Value>({ kind }: ObjectKind, found: () => Reading<Value>): Reading<Value> => {
    if (notServed.includes(kind)) return { answer: 'not-served' }
    if (!forbidden.includes(kind)) return found()
    const error = new NimctlError('auth', 'CLUSTER_FORBIDDEN', { what: `This user may not get a ${kind}.` })
    return { answer: 'forbidden', error }
  }
  const ofKind = ({ apiVersion, kind }: ObjectKind) =>
    objects.filter(object => object.apiVersion === apiVersion && object.kind === kind)
  return {
    readObject: async (object: ObjectKind & { name: string }): Promise<Reading<AnyObject>> =>
      about(object, () => {
        const found = ofKind(object).find(({ metadata }) => metadata.name === object.name)
        return found === undefined ? { answer: 'absent' } : { answer: 'found', value: found }
      }),
    listObjects: async (query: ObjectQuery): Promise<Reading<AnyObject[]>> =>
      about(query, () => ({ answer: 'found', value: ofKind(query).filter(object => fits(object, query)) })),
    dryRun: async (object: WrittenObject): Promise<DryRun> => {
      const accepted = { ...object, metadata: { name: '', ...object.metadata } }
      return dryRun?.(object) ?? { outcome: 'accepted', tried: 'create', object: accepted, warnings: [] }
    },
    findKind: async ({ kind }: ObjectKind) =>
      notServed.includes(kind) ? undefined : { plural: `${kind.toLowerCase()}s`, namespaced: true },
    readServerVersion: async () => 'v1.36.3',
  }
}

function fits(object: AnyObject, { labelSelector = '', fieldSelector = '', ...query }: ObjectQuery): boolean {
  const place = object.metadata.namespace ?? namespace
  return (
    (query.allNamespaces === true || place === (query.namespace ?? namespace)) &&
    pairsOf(labelSelector).every(([name = '', value]) => object.metadata.labels?.[name] === value) &&
    pairsOf(fieldSelector).every(([path = '', value]) => textAt(object, ...path.split('.')) === value)
  )
}

async function* pieces(text: string, cut: boolean) {
  yield text
  if (cut) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

export function podWith(state: V1ContainerStatus['state'], more: Partial<V1Pod['status']> = {}): V1Pod {
  const status = { name: 'nim', image: '', imageID: '', ready: false, restartCount: 0, ...(state && { state }) }
  return { metadata: { name: 'pod-1' }, status: { containerStatuses: [status], ...more } }
}
