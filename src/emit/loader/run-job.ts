import { checkNamespace, checkReferredName } from '../../operator/names.ts'
import type { ConfigMap, EnvVariable } from '../../operator/objects.ts'
import { NimctlError } from '../../system/errors.ts'
import { pullSecretPrerequisites } from '../pull-secret.ts'
import { metadata, type ImagePlace, type Target } from '../request.ts'
import { type Comment, emitted, type EmitResult } from '../result.ts'
import { requireLoaderImage } from './image.ts'
import { type JobSettings, ownJob } from './own-job.ts'

export interface RunJobRequest extends Target, ImagePlace {
  /** A command line of nimctl, without its name. */
  command: readonly string[]
  /** nimctl's own image. */
  loaderImage?: string
  /** A file for the pod, such as nimctl.yaml. */
  configuration?: { name: string; text: string }
  env: Readonly<Record<string, string>>
  /** Existing Secrets whose entries become variables. */
  secrets: readonly string[]
  mounts: readonly MountRequest[]
  job: JobSettings
  /** Makes an Indexed Job of so many pods, each of which reads its index in the command line. */
  shards?: number
  /** Pods at a time; default: all. */
  parallelism?: number
}

/** What lies where in the pod. */
export interface MountRequest {
  kind: 'secret' | 'config-map' | 'claim'
  name: string
  path: string
}

/** Where the pod has the configuration. */
const configurationFolder = '/etc/nimctl'

/**
 * A Job that runs a command line of nimctl in its own image.
 *
 * @throws NimctlError `usage` with everything that can't go together.
 */
export function emitRunJob(request: RunJobRequest): EmitResult {
  const { name, namespace, command, secrets, mounts, shards, parallelism } = request
  if (namespace !== undefined) checkNamespace(namespace)
  checkRequest(request)
  const volumes = volumesOf(request)
  const job = ownJob({
    name,
    namespace,
    task: 'nimctl',
    image: requireLoaderImage(request),
    pullSecret: request.pullSecret,
    args: [...command],
    env: Object.entries(request.env).map(([variable, value]): EnvVariable => ({ name: variable, value })),
    envFrom: secrets.map(secret => ({ secretRef: { name: secret } })),
    mounts: volumes.map(({ volume, path, readOnly }) => ({
      name: volume.name,
      mountPath: path,
      ...(readOnly && { readOnly }),
    })),
    volumes: volumes.map(({ volume }) => volume),
    settings: request.job,
    ...(shards !== undefined && { indexes: { count: shards, parallelism: parallelism ?? shards } }),
  })
  const objects = [...configMapOf(request), job]
  const prerequisites = [
    ...secrets.map(secret => `Secret ${secret}, whose entries are variables of nimctl`),
    ...mounts.map(({ kind, name: mounted, path }) => `${kindNames[kind]} ${mounted}, for ${path}`),
    ...pullSecretPrerequisites(request),
  ]
  return emitted({ objects, prerequisites, comments: comments(request) })
}

/** The Job's controller sets the variable, and the node puts it into the arguments. */
const ownIndex = '$(JOB_COMPLETION_INDEX)'

const kindNames = { secret: 'Secret', 'config-map': 'ConfigMap', claim: 'PersistentVolumeClaim' } as const

function checkRequest({ command, secrets, mounts, shards }: RunJobRequest): void {
  for (const secret of secrets) checkReferredName('Secret', secret)
  for (const { kind, name } of mounts) checkReferredName(kindNames[kind], name)
  const [first] = command
  if (first === undefined || first.startsWith('-'))
    throw new NimctlError('usage', 'RUN_JOB_COMMAND', {
      what: 'Say what the Job is to run.',
      next: 'Give a command line of nimctl behind --, such as: nimctl emit run-job fetch -- download s3://models/llama /data',
    })
  const taken = mounts.find(
    ({ path }, index) => isTaken(path) || mounts.findIndex(mount => mount.path === path) < index,
  )
  if (taken !== undefined || mounts.some(({ path }) => !path.startsWith('/')))
    throw new NimctlError('usage', 'RUN_JOB_MOUNT', {
      what: `Nothing can be mounted at ${taken?.path ?? 'a path without / in front'}.`,
      why: `/tmp is the pod's own, ${configurationFolder} has the file of --config, and each path takes one volume.`,
      next: 'Choose another path, such as --mount-claim models=/data',
    })
  const divided = command.some(word => word.includes(ownIndex))
  if ((shards !== undefined) !== divided)
    throw new NimctlError('usage', 'RUN_JOB_SHARDS', {
      what: divided ? `Without --shards no pod has an index to put for ${ownIndex}.` : 'Every pod would do the same.',
      why: `With --shards n, Kubernetes puts 0 to n-1 for ${ownIndex} in the command line.`,
      next: `Such as: --shards 4 -- download 's3://models/part-${ownIndex}' '/data/${ownIndex}'`,
    })
}

function isTaken(path: string): boolean {
  return ['/tmp', configurationFolder].includes(path.replace(/\/+$/, ''))
}

function configMapOf({ name, namespace, configuration }: RunJobRequest): ConfigMap[] {
  if (configuration === undefined) return []
  const data = { [configuration.name]: configuration.text }
  return [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata({ name: configMapName(name), namespace }), data }]
}

function configMapName(name: string): string {
  return `${name}-config`
}

function volumesOf({ name, configuration, mounts }: RunJobRequest) {
  const configMounts: MountRequest[] =
    configuration === undefined ? [] : [{ kind: 'config-map', name: configMapName(name), path: configurationFolder }]
  return [...configMounts, ...mounts].map(({ kind, name: mounted, path }, index) => ({
    volume: { name: `volume-${index}`, ...sourceOf(kind, mounted) },
    path,
    readOnly: kind !== 'claim',
  }))
}

function sourceOf(kind: MountRequest['kind'], name: string) {
  if (kind === 'claim') return { persistentVolumeClaim: { claimName: name } }
  return kind === 'secret' ? { secret: { secretName: name, defaultMode: secretMode } } : { configMap: { name } }
}

/** The pod's group may read it. */
const secretMode = 0o440

function comments({ shards }: RunJobRequest): Comment[] {
  const job = {
    kind: 'Job',
    path: ['spec'],
    text: 'A Job can not be changed: delete it before another one of this name is applied.',
  }
  const args = { kind: 'Job', path: ['spec', 'template', 'spec', 'containers', 'nimctl', 'args'] }
  const text = `Each pod does its part: Kubernetes puts its index for ${ownIndex}.`
  return shards === undefined ? [job] : [job, { ...args, text }]
}
