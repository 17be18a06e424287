import type { V1Container } from '@kubernetes/client-node'

import type { Cluster } from '../kubernetes/cluster.ts'
import { readLog } from '../kubernetes/follow-log.ts'
import { showsDownload } from '../nim/cluster-symptoms.ts'
import type { Check } from '../system/check.ts'
import { isMeantOffline, literal } from './pod-container.ts'

/** What a log says of cache and profile; the log itself is not kept. */
interface LogSigns {
  lines: number
  /** The first line that shows an attempt to download. */
  download?: string
  /** Id of the profile that it says it serves. */
  profile?: string
}

const longestShown = 300

/** @returns `undefined` where the container has no log yet. */
export async function readSigns(
  cluster: Cluster,
  place: { pod: string; container: string },
  signal: AbortSignal,
): Promise<LogSigns | undefined> {
  const signs: LogSigns = { lines: 0 }
  const onLine = (line: string) => {
    signs.lines += 1
    if (signs.download === undefined && showsDownload(line)) signs.download = line.trim().slice(0, longestShown)
    const profile = /Selected profile: ([0-9a-f]{64})\b/.exec(line)?.[1]
    if (profile !== undefined) signs.profile = profile
  }
  return (await readLog(cluster, place, { signal, onLine })) ? signs : undefined
}

export function judgeDownload(pod: string, container: V1Container, signs: LogSigns | undefined): Check {
  const check = {
    name: 'pod.download',
    method: 'content',
    path: `${pod}: log of ${container.name}`,
    expected: 'no attempt to download',
  } as const
  if (signs === undefined) {
    return { ...check, status: 'not-provable', found: 'no log', next: 'Run the same command when the container runs.' }
  }
  if (signs.download === undefined) return { ...check, status: 'ok', found: `none in ${signs.lines} lines` }
  const offline = isMeantOffline(container)
  return {
    ...check,
    status: offline ? 'failed' : 'warning',
    found: signs.download,
    next: offline
      ? 'Something that it wants is not in the cache: set NIM_MODEL_PROFILE to a profile that the cache holds, and look at pod.file-missing.'
      : 'If it is not to download, give it no NGC_API_KEY, and set NIM_MODEL_PROFILE to a profile that the cache holds.',
  }
}

export interface ProfileQuestion {
  pod: string
  container: V1Container
  signs: LogSigns | undefined
  /** Of `--profile`: an id or its beginning. */
  asked?: string
  /** Ids of the inventory. */
  stored?: readonly string[]
}

/** The profile in use: what the log says, else what the environment asks for. */
export function profileInUse({ container, signs }: ProfileQuestion): string | undefined {
  return signs?.profile ?? literal(container, profileVariable)
}

const profileVariable = 'NIM_MODEL_PROFILE'

export function judgeProfile(question: ProfileQuestion): Check {
  const { pod, container, signs, asked, stored } = question
  const check = { name: 'pod.profile', method: 'content', path: `${pod}: ${container.name}` } as const
  const wanted = literal(container, profileVariable)
  const used = profileInUse(question)
  if (used === undefined || (asked !== undefined && !isId(used))) {
    return {
      ...check,
      status: 'not-provable',
      expected: asked ?? 'the id of a profile',
      found: `neither the log nor ${profileVariable} names one${used === undefined ? '' : `: ${used}`}`,
      next: 'The beginning of the log may be gone. Ask the NIM itself: nimctl validate endpoint URL',
    }
  }
  const found = signs?.profile === undefined ? `${used} (${profileVariable})` : `${used} (log)`
  const differs = asked ?? (isId(wanted) ? wanted : undefined)
  if (differs !== undefined && !used.startsWith(differs)) {
    const next = `Set ${profileVariable} of the container to this id, and see that the cache holds it.`
    return { ...check, status: 'failed', expected: differs, found, next }
  }
  if (stored !== undefined && stored.length > 0 && isId(used) && !stored.includes(used)) {
    const next = `Upload this profile, or set ${profileVariable} to one that is in the store.`
    return { ...check, status: 'failed', expected: `one of ${stored.join(', ')}`, found, next }
  }
  return { ...check, status: 'ok', found }
}

/** The variable takes a description, too, which says nothing of the id. */
function isId(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{64}$/.test(text)
}
