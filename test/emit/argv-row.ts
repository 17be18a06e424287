import type { OperatorVersion } from '../../src/operator/versions.ts'
import { vllmProfile } from './request.ts'

/** A command line of `nimctl emit`, and what it must write. `@NAME` is a file of run-argv.ts. */
export interface Row {
  args: string[]
  /** The first version that takes it; older ones are refused with `OPERATOR_TOO_OLD`. */
  since?: OperatorVersion
  /** Of the object that is meant; default: the last one. */
  kind?: string
  /** Parts of its `spec`. */
  spec: object
  /** Some of its variables. */
  env?: Record<string, string>
}

/** Rows of one beginning. */
export const rowOf =
  (start: string[]) =>
  (args: string[], spec: object, more: Pick<Row, 'since' | 'env'> = {}): Row => ({
    args: [...start, ...args],
    spec,
    ...more,
  })

export const uploaded = ['--inventory', '@inventory.jsonl', '--store-url', 's3://models/llama', '--region', 'eu-1']

/** Of a NIMService on what was uploaded. */
export const serviceRow = rowOf(['nimservice', 'llama', ...uploaded, '--profile', vllmProfile.id])

/** Of one on an image alone. */
export const alone = rowOf(['nimservice', 'llama', '--image', 'registry.internal/nim/llama:1.8'])

export const metricFlags = (text: string) => ['--max-replicas', '4', '--hpa-metric', text]
