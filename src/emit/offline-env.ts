import type { EnvVariable, PlainVariable } from '../operator/objects.ts'
import { needsAuthSecret, type OperatorVersion } from '../operator/versions.ts'

interface OfflineVariable extends PlainVariable {
  /** Absent: every family. */
  families?: readonly string[]
  source: string
}

/** What keeps a NIM with a filled cache from asking outside. Only what is documented: an unknown variable helps nobody. */
const offlineVariables: readonly OfflineVariable[] = [
  {
    name: 'HF_HUB_OFFLINE',
    value: '1',
    source: 'https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables; reference/nim.md 1.4',
  },
  { name: 'TRANSFORMERS_OFFLINE', value: '1', source: 'reference/nim.md 1.4' },
  {
    name: 'DO_NOT_TRACK',
    value: '1',
    families: ['llm', 'universal'],
    source: 'https://docs.vllm.ai/en/latest/usage/usage_stats.html; reference/nim.md section 5',
  },
  {
    name: 'NIM_IGNORE_MODEL_DOWNLOAD_FAIL',
    value: '1',
    families: ['nimlib'],
    source: 'nimlib asks NGC before it looks into the cache: reference/nim.md section 5',
  },
]

/** @param family of the inventory; unknown: only what suits all. */
export function offlineEnvironment(family: string | undefined, version: OperatorVersion): EnvVariable[] {
  const withoutKey = needsAuthSecret(version) ? [{ name: 'NGC_API_KEY', value: '' }] : []
  return [...withoutKey, ...filledCacheEnvironment(family)]
}

/** The same where nobody sets a key: in a pod of one's own. @param family as above. */
export function filledCacheEnvironment(family: string | undefined): EnvVariable[] {
  return offlineVariables
    .filter(({ families }) => families === undefined || (family !== undefined && families.includes(family)))
    .map(({ name, value }) => ({ name, value }))
}
