import { Readable } from 'node:stream'

import type { CoreV1Event, V1ContainerStatus, V1Job, V1Pod } from '@kubernetes/client-node'

import type { Cluster, ExecOutcome } from '../../src/kubernetes/cluster.ts'

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
    calls,
    address: 'https://stand-in:6443',
    namespace: 'nim',
    async createJob({ metadata }) {
      calls.push(`create ${metadata.name}`)
      return next<boolean | Error>(answers.created, true) === true
    },
    readJob: async () => next(answers.jobs, undefined),
    async deleteJob(name) {
      calls.push(`delete ${name}`)
    },
    listPodsOfJob: async () => listed(),
    readPod: async name => (await listed()).find(({ metadata }) => metadata?.name === name),
    listPods: async () => listed(),
    async exec({ pod, container, command, onLine }) {
      calls.push(`exec ${pod} ${container} ${command.at(-1) ?? ''}`)
      const { lines, outcome } = answers.exec ?? { lines: [], outcome: { exitCode: undefined, said: 'no sh' } }
      for (const line of lines) onLine(line)
      return outcome
    },
    listEvents: async () => next(answers.events, []),
    async openLog({ since }) {
      calls.push(`log since ${since ?? 'the beginning'}`)
      const { text, cut = false } = next(answers.logs, { text: '' })
      return Readable.from(pieces(text, cut))
    },
  }
}

async function* pieces(text: string, cut: boolean) {
  yield text
  if (cut) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

export function podWith(state: V1ContainerStatus['state'], more: Partial<V1Pod['status']> = {}): V1Pod {
  const status = { name: 'nim', image: '', imageID: '', ready: false, restartCount: 0, ...(state && { state }) }
  return { metadata: { name: 'pod-1' }, status: { containerStatuses: [status], ...more } }
}
