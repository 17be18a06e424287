import { type Command, Option } from 'commander'

import { downloadSources, type DownloadSource } from '../../../emit/nimcache/download.ts'
import { cacheSources, type CacheSource } from '../../../emit/nimcache/source.ts'
import { NimctlError } from '../../../system/errors.ts'
import { traitOptions } from '../choice.ts'
import { collect } from '../values.ts'
import { addGroup } from './group.ts'
import { addLoaderImageOption, loaderHeading } from './loader.ts'

export interface NimCacheSourceFlags {
  source?: CacheSource | DownloadSource
  loaderImage?: string
  modelPuller?: string
  authSecret?: string
  modelEndpoint?: string
  model?: string
  dataset?: string
  revision?: string
  endpoint?: string
  hostPath?: string
  certConfig?: string
}

/** Where a NIMCache has its files from, and which. */
export function addNimCacheSourceOptions(command: Command): Command {
  addLoaderImageOption(command)
  addGroup(command, loaderHeading, [
    new Option(
      '--source <how>',
      'loader or override: from what was uploaded (default: as it was); else who is asked',
    ).choices([...cacheSources, ...downloadSources]),
    new Option('--model-puller <image>', 'that downloads (default with --source ngc: the NIM itself)'),
    new Option('--auth-secret <name>', 'an existing Secret with NGC_API_KEY, or HF_TOKEN for a hub'),
  ])
  addGroup(command, 'Choosing profiles:', [
    new Option(
      '--profile <profile>',
      'an id, a unique beginning of one, or an exact description; may be repeated (default: all that were uploaded)',
    ).argParser(collect),
    new Option('--all', 'all that the image offers'),
    ...traitOptions(),
  ])
  return addGroup(command, 'Models without profiles:', [
    new Option('--model-endpoint <endpoint>', "of a universal NIM: its model's repository at NGC"),
    new Option('--model <[namespace/]name>', 'of Hugging Face, or of a NeMo Data Store'),
    new Option('--dataset <[namespace/]name>', 'instead of a model'),
    new Option('--revision <revision>', 'a commit, branch or tag'),
    new Option('--endpoint <url>', 'of the hub (default with --source hf: https://huggingface.co)'),
    // Not for use: who looks for them is told what works.
    new Option('--host-path <dir>').hideHelp(),
    new Option('--cert-config <name>').hideHelp(),
  ])
}

export function isDownload(source: NimCacheSourceFlags['source']): source is DownloadSource {
  return downloadSources.some(known => known === source)
}

/** Whose models no image names. */
export function isHub(source: NimCacheSourceFlags['source']): boolean {
  return source === 'hf' || source === 'datastore'
}

/**
 * What the CRD has and the operator ignores, or fails on (reference/operator.md, section 2).
 *
 * @throws NimctlError `usage` / `FIELD_IGNORED`.
 */
export function refuseIgnored({ hostPath, certConfig }: NimCacheSourceFlags): void {
  if (hostPath !== undefined)
    throw new NimctlError('usage', 'FIELD_IGNORED', {
      what: 'A NIMCache fills no directory of a node.',
      why: 'Its CRD has spec.storage.hostPath, deprecated, and the operator never reads it.',
      next: `Make a PersistentVolume of type local for ${hostPath} and a claim on it, and name that: --claim NAME`,
    })
  if (certConfig !== undefined)
    throw new NimctlError('usage', 'FIELD_IGNORED', {
      what: 'A NIMCache with spec.certConfig fails.',
      why: 'The field is deprecated: the operator ends with an error where it is set.',
      next: `Name the ConfigMap with: --proxy-ca-config-map ${certConfig}`,
    })
}

/** @throws NimctlError `usage` / `SOURCE_FLAGS_IDLE`: what was uploaded asks nobody else. */
export function refuseDownloadFlags(flags: NimCacheSourceFlags): void {
  const { modelPuller, authSecret, modelEndpoint, model, dataset, revision, endpoint } = flags
  const idle = Object.entries({
    '--model-puller': modelPuller,
    '--auth-secret': authSecret,
    '--model-endpoint': modelEndpoint,
    '--model': model,
    '--dataset': dataset,
    '--revision': revision,
    '--endpoint': endpoint,
  }).flatMap(([flag, value]) => (value === undefined ? [] : [flag]))
  if (idle.length === 0) return
  throw new NimctlError('usage', 'SOURCE_FLAGS_IDLE', {
    what: `${idle.join(', ')} only matter where somebody else is asked for the files.`,
    why: 'What was uploaded comes from its store; the Secret of that is --store-secret.',
    next: 'Leave them out, or say who is asked: --source ngc, hf or datastore.',
  })
}
