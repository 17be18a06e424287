import { Option } from 'commander'

import type { EnvVariable } from '../../../operator/objects.ts'
import { collect } from '../values.ts'

export interface EnvironmentFlags {
  env?: string[]
  envSecret?: string[]
  envConfigMap?: string[]
}

/** @param whose such as `of the Job`. @param prefix of the flags, such as `job-`. */
export function environmentOptions(whose: string, prefix = ''): Option[] {
  return [
    new Option(`--${prefix}env <name=value>`, `a variable ${whose}; may be repeated`).argParser(collect),
    new Option(
      `--${prefix}env-secret <name=secret/key>`,
      `a variable ${whose} from a Secret; may be repeated`,
    ).argParser(collect),
    new Option(
      `--${prefix}env-config-map <name=configmap/key>`,
      `a variable ${whose} from a ConfigMap; may be repeated`,
    ).argParser(collect),
  ]
}

/** @throws NimctlError `usage` / `ENV_INVALID`, `SECRET_IN_OBJECT`. */
export async function environmentFrom(flags: EnvironmentFlags): Promise<EnvVariable[] | undefined> {
  const { env = [], envSecret = [], envConfigMap = [] } = flags
  if (env.length + envSecret.length + envConfigMap.length === 0) return undefined
  const { parseConfigMapVariable, parseSecretVariable, parseVariable } = await import('../../../emit/environment.ts')
  return [...env.map(parseVariable), ...envSecret.map(parseSecretVariable), ...envConfigMap.map(parseConfigMapVariable)]
}
