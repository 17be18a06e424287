import { Option, type Command } from 'commander'

import type { ContainerEngine, ContainerRequest } from '../../system/container-engine.ts'
import { NimctlError } from '../../system/errors.ts'
import { isSecretName, secret } from '../../system/secret.ts'
import type { Context } from '../context.ts'
import { collect, parseSize } from './values.ts'

export interface EngineFlags {
  on?: 'docker' | 'kubernetes'
  gpus?: string
  runtime?: string
  shmSize?: number
  network?: string
  env?: string[]
}

const heading = 'Container engine:'

/** Flags of commands that look into a local image; the engine is found by DOCKER_HOST or at its usual socket. */
export function addEngineOptions(command: Command): Command {
  return command.addOption(
    new Option('--on <engine>', 'where containers run (DOCKER_HOST)').choices(['docker']).helpGroup(heading),
  )
}

/** Flags of commands that run containers. */
export function addContainerOptions(command: Command): Command {
  const options = [
    new Option('--on <where>', 'where containers run: this host (DOCKER_HOST), or a cluster').choices([
      'docker',
      'kubernetes',
    ]),
    new Option('--gpus <gpus>', 'as docker run takes them: all, 2, device=0,1; or none; in a cluster a number'),
    new Option('--runtime <name>', 'container runtime, such as nvidia'),
    new Option('--shm-size <size>', 'of /dev/shm, such as 16Gi').argParser(parseSize),
    new Option('--network <name>', 'network mode, such as host'),
    new Option('--env <name[=value]>', 'set a variable, or pass on ours; may be repeated').argParser(collect),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

export async function openHostEngine({ env }: Context): Promise<ContainerEngine> {
  const { openDockerEngine } = await import('../../system/docker.ts')
  return await openDockerEngine({ env })
}

/** What `docker run` would be told; secrets among the variables are kept as secrets. */
export function containerSettings(
  { gpus, runtime, shmSize, network, env }: EngineFlags,
  context: Context,
): Pick<ContainerRequest, 'gpus' | 'runtime' | 'shmSize' | 'network' | 'env'> {
  return {
    env: Object.fromEntries((env ?? []).map(pair => parseVariable(pair, context.env))),
    ...(gpus !== undefined && gpus !== 'none' && { gpus }),
    ...(runtime !== undefined && { runtime }),
    ...(shmSize !== undefined && { shmSize }),
    ...(network !== undefined && { network }),
  }
}

function parseVariable(pair: string, env: Context['env']) {
  const [name = '', ...rest] = pair.split('=')
  const value = rest.length > 0 ? rest.join('=') : env[name]
  if (name === '' || value === undefined) {
    throw new NimctlError('usage', 'ENV_NOT_SET', {
      what: `--env ${name} passes on a variable that is not set here.`,
      next: `Export it first, or give a value: --env ${name === '' ? 'NAME' : name}=VALUE`,
    })
  }
  if (isSecretName(name) && rest.length > 0) {
    throw new NimctlError('usage', 'SECRET_IN_ARGUMENT', {
      what: `The value of ${name} would be seen by every user of this machine.`,
      next: `Export it and pass the name alone: --env ${name}`,
    })
  }
  return [name, isSecretName(name) ? secret(value) : value] as const
}
