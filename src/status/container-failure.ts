import type { V1Container, V1ContainerStateTerminated, V1ContainerStatus, V1Pod } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import { readLog } from '../kubernetes/follow-log.ts'
import { recogniseClusterSymptom } from '../nim/cluster-symptoms.ts'
import { recogniseSymptom } from '../nim/symptoms.ts'
import { NimctlError } from '../system/errors.ts'
import { findingOf } from './cures.ts'
import { meaningOfExit } from './exit-codes.ts'
import type { Finding, Severity } from './report.ts'

/** Lines of a log that are asked for: enough for the cause, which stands before its consequences. */
const readLines = 400

/** Lines of it that a finding shows. */
const shownLines = 10

export interface FailedContainer {
  pod: V1Pod
  status: V1ContainerStatus
  ended: V1ContainerStateTerminated
  /** It runs again already, or will: its log is that of the run before. */
  previous: boolean
  severity: Severity
}

/** Why a container ended as it did: by the words of the cluster, its log, and its exit code, in this order. */
export async function explainFailure(cluster: Cluster, failed: FailedContainer, signal: AbortSignal): Promise<Finding> {
  const { pod, status, ended, severity } = failed
  const { exitCode, reason = '' } = ended
  const container = containerOf(pod, status.name)
  const why = `The container ${status.name} ended with ${exitCode}${reason === '' || reason === 'Error' ? '' : ` (${reason})`}.`
  if (reason === 'OOMKilled') return outOfMemory(container, why, severity)
  const isLoader = container !== undefined && runsNimctl(container)
  const meaning = meaningOfExit(exitCode, { isLoader })
  if (/^(StartError|ContainerCannotRun)$/.test(reason))
    return { ...meaning, severity, why: [why, ended.message].filter(Boolean).join(' ') }
  const lines = await readEnd(cluster, failed, signal)
  const log = lines.filter(line => line.trim() !== '').slice(-shownLines)
  const shown = log.length === 0 ? {} : { log }
  if (isLoader) return { ...meaning, severity, why: [why, saidByNimctl(lines)].filter(Boolean).join(' '), ...shown }
  const symptom = isJob(pod)
    ? (recogniseSymptom(lines) ?? recogniseClusterSymptom(lines))
    : (recogniseClusterSymptom(lines) ?? recogniseSymptom(lines))
  if (symptom === undefined) return { ...meaning, severity, why, ...shown }
  const finding = findingOf(symptom, severity)
  return { ...finding, why: [why, finding.why].filter(Boolean).join(' '), ...shown }
}

function outOfMemory(container: V1Container | undefined, why: string, severity: Severity): Finding {
  const limit = container?.resources?.limits?.['memory']
  return {
    code: 'OUT_OF_MEMORY',
    severity,
    what: `The container needed more memory than ${limit === undefined ? 'its node had' : `its limit of ${limit}`}.`,
    why,
    next: 'Raise the memory in resources; what a NIM takes before the GPU has it is about the size of its weights.',
  }
}

export function containerOf({ spec }: V1Pod, name: string): V1Container | undefined {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].find(container => container.name === name)
}

/** By its image, or by the variables that `emit` gives it (emit/loader-contract.ts). */
function runsNimctl({ image = '', env = [], command = [] }: V1Container): boolean {
  return (
    /(?:^|\/)nimctl(?:[-:@]|$)/.test(image) ||
    env.some(({ name }) => name.startsWith('NIMCTL_')) ||
    command.some(word => /(?:^|\/)nimctl(?:\.js)?$/.test(word))
  )
}

function isJob({ metadata }: V1Pod): boolean {
  return metadata?.ownerReferences?.some(({ kind }) => kind === 'Job') === true
}

/** nimctl's last error: what, why and next, each on a line of its own. */
function saidByNimctl(lines: readonly string[]): string | undefined {
  const at = lines.findLastIndex(line => line.startsWith('Error: '))
  return at < 0
    ? undefined
    : lines
        .slice(at, at + 3)
        .join(' ')
        .trim()
}

async function readEnd(
  cluster: Cluster,
  { pod, status, previous }: FailedContainer,
  signal: AbortSignal,
): Promise<string[]> {
  const lines: string[] = []
  const place = { pod: pod.metadata?.name ?? '', container: status.name, previous, tailLines: readLines }
  try {
    await readLog(cluster, place, { signal, onLine: line => void lines.push(line) })
  } catch (error) {
    // It explains, nothing rests on it.
    if (!(error instanceof NimctlError) || error.category !== 'auth') throw error
  }
  return lines
}
