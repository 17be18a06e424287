import { InvalidArgumentError } from 'commander'

import type { Toleration } from '../../emit/loader/own-job.ts'
import type { RunAs } from '../../kubernetes/job.ts'

/** Parsers for flags that say where pods run and as whom. */

/** The NIM Operator's own user and group (reference/operator.md 2): what a NIMService later reads the files as. */
export const operatorsUser: RunAs = { uid: 1000, gid: 2000, fsGroup: 2000 }

export function collectLabel(text: string, before: Record<string, string> | undefined): Record<string, string> {
  const [, label, value] = /^([^=]+)=(.*)$/.exec(text) ?? []
  if (label === undefined || value === undefined)
    throw new InvalidArgumentError('Expected a label such as nvidia.com/gpu=true.')
  return { ...before, [label]: value }
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

/** A taint as `kubectl taint` writes it. Without a value any will do, without an effect all of them. */
export function collectToleration(text: string, before: Toleration[] | undefined): Toleration[] {
  const [, key, value, effect] = /^([^=:]+)(?:=([^:]*))?(?::(\w+))?$/.exec(text) ?? []
  if (key === undefined || (effect !== undefined && !effects.includes(effect)))
    throw new InvalidArgumentError(
      `Expected a taint such as nvidia.com/gpu=present:NoSchedule. Effects: ${effects.join(', ')}.`,
    )
  const operator = value === undefined ? 'Exists' : 'Equal'
  const toleration = { key, operator, ...(value !== undefined && { value }), ...(effect !== undefined && { effect }) }
  return [...(before ?? []), toleration]
}

export function parseRunAs(text: string): RunAs | 'image' {
  if (text === 'image') return text
  const [, uid, gid, fsGroup] = /^(\d+):(\d+)(?::(\d+))?$/.exec(text) ?? []
  if (uid === undefined) throw new InvalidArgumentError('Expected numbers such as 1000:2000 or 26:26:26, or image.')
  return { uid: Number(uid), gid: Number(gid), fsGroup: Number(fsGroup ?? gid) }
}
