import type { V1Toleration } from '@kubernetes/client-node'
import { type Command, Option } from 'commander'

import type { NimCacheJob } from '../../../emit/nimcache/job.ts'
import type { Context } from '../../context.ts'
import { collectLabel, collectToleration } from '../pods.ts'
import { collect, given, parseServingUser, parseQuantity } from '../values.ts'
import { readContainers } from './containers.ts'
import { environmentFrom, type EnvironmentFlags, environmentOptions } from './environment.ts'
import { addGroup, named } from './group.ts'
import { proxyFrom, type ProxyFlags, proxyOptions } from './proxy.ts'

export interface NimCacheJobFlags extends EnvironmentFlags, ProxyFlags {
  cpu?: string
  memory?: string
  nodeSelector?: Record<string, string>
  toleration?: V1Toleration[]
  runtimeClass?: string
  runAs?: { uid: number; gid: number }
  initContainer?: string[]
}

export function addNimCacheJobOptions(command: Command): Command {
  return addGroup(command, 'The Job that fills it:', jobOptions(''))
}

/** The same, in a command that has flags of these names for what it serves. */
export function addPrefixedJobOptions(command: Command): Command {
  return addGroup(command, 'With --loader nimcache:', jobOptions('nimcache-'))
}

function jobOptions(prefix: string): Option[] {
  return [
    new Option(`--${prefix}cpu <quantity>`, 'such as 4').argParser(parseQuantity),
    new Option(`--${prefix}memory <quantity>`, 'such as 8Gi').argParser(parseQuantity),
    new Option(
      `--${prefix}node-selector <label=value>`,
      'nodes it may run on (default: kubernetes.io/os=linux); may be repeated',
    ).argParser(collectLabel),
    new Option(`--${prefix}toleration <key[=value][:effect]>`, 'a taint it may pass over; may be repeated').argParser(
      collectToleration,
    ),
    new Option(`--${prefix}runtime-class <name>`, 'such as nvidia'),
    new Option(`--${prefix}run-as <uid:gid>`, 'who runs in it (default: 1000:2000)').argParser(parseServingUser),
    ...environmentOptions('of the Job', prefix),
    ...proxyOptions(prefix),
    new Option(
      `--${prefix}init-container <file>`,
      'YAML of containers that run first; may be repeated (operator 3.1.0)',
    ).argParser(collect),
  ]
}

export type PrefixedJobFlags = {
  [Flag in keyof NimCacheJobFlags as `nimcache${Capitalize<Flag>}`]: NimCacheJobFlags[Flag]
}

/** @throws NimctlError `usage`, and what reading a file throws. */
export async function prefixedJobFrom(flags: PrefixedJobFlags, context: Context): Promise<NimCacheJob> {
  const plain = given({
    cpu: flags.nimcacheCpu,
    memory: flags.nimcacheMemory,
    nodeSelector: flags.nimcacheNodeSelector,
    toleration: flags.nimcacheToleration,
    runtimeClass: flags.nimcacheRuntimeClass,
    runAs: flags.nimcacheRunAs,
    initContainer: flags.nimcacheInitContainer,
    env: flags.nimcacheEnv,
    envSecret: flags.nimcacheEnvSecret,
    envConfigMap: flags.nimcacheEnvConfigMap,
    httpProxy: flags.nimcacheHttpProxy,
    httpsProxy: flags.nimcacheHttpsProxy,
    noproxy: flags.nimcacheNoproxy,
    proxyCaConfigMap: flags.nimcacheProxyCaConfigMap,
  })
  return await nimCacheJobFrom(plain, context)
}

/** @throws NimctlError `usage`, and what reading a file throws. */
export async function nimCacheJobFrom(flags: NimCacheJobFlags, context: Context): Promise<NimCacheJob> {
  const { cpu, memory, nodeSelector, toleration, runtimeClass, runAs, initContainer } = flags
  return {
    ...given({ cpu, memory, nodeSelector, runtimeClass, tolerations: toleration, user: runAs }),
    ...given({ env: await environmentFrom(flags), initContainers: await readContainers(initContainer, context) }),
    ...named('proxy', proxyFrom(flags)),
  }
}
