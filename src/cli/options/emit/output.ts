import { type Command, Option } from 'commander'

import { type Assignment, parseAssignment } from '../../../emit/finish/assignment.ts'
import type { Patch } from '../../../emit/finish/patch.ts'
import type { ImagePlace, Target } from '../../../emit/request.ts'
import type { EmitResult } from '../../../emit/result.ts'
import type { OperatorVersion } from '../../../operator/versions.ts'
import type { Context } from '../../context.ts'
import { toolName } from '../../settings.ts'
import { openFlaggedCluster } from '../cluster.ts'
import { collect, given } from '../values.ts'
import { readInputFile } from './input-file.ts'
import { isDirectoryName, type Rendered, writeDirectory } from './write-directory.ts'

export interface OutputFlags {
  namespace?: string
  operatorVersion?: string
  context?: string
  kubeconfig?: string
  set?: Assignment[]
  patch?: string[]
  images?: true
  output: 'yaml' | 'json'
  write?: string
}

const heading = 'Objects:'

/** For kinds of the NIM Operator. */
export function addOutputOptions(command: Command): Command {
  const options = [
    new Option('--operator-version <version>', 'of the NIM Operator in the cluster (default: the newest known)'),
    new Option('--context <name>', 'of the kubeconfig: ask this cluster for the version of its operator'),
    new Option('--kubeconfig <file>', 'the same, instead of KUBECONFIG and ~/.kube/config'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return addPlainOutputOptions(command)
}

/** For kinds that need no NIM Operator. */
export function addPlainOutputOptions(command: Command): Command {
  const options = [
    new Option('-n, --namespace <name>', 'of the objects'),
    new Option('--patch <file>', 'YAML that changes objects, as kustomize patches; may be repeated').argParser(collect),
    new Option(
      '--set <path=value>',
      'change a field, after patches: [KIND[/NAME]:]PATH=VALUE; may be repeated',
    ).argParser((text: string, before: Assignment[] | undefined) => [...(before ?? []), parseAssignment(text)]),
    new Option('--images', 'list the images that these objects need instead, one a line'),
    new Option('-o, --output <form>', 'form of the objects').choices(['yaml', 'json']).default('yaml'),
    new Option(
      '--write <path>',
      'write to a file, or a file for each object and a kustomization to a directory (DIR/)',
    ),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** @throws NimctlError `usage` / `OPERATOR_VERSION_UNKNOWN`; `not-found` / `OPERATOR_NOT_FOUND`; what the cluster throws. */
export async function targetFrom(
  flags: OutputFlags,
  { kind, name }: { kind: string; name: string },
  context: Context,
): Promise<Target> {
  return { kind, name, operatorVersion: await versionFrom(flags, context), ...given({ namespace: flags.namespace }) }
}

async function versionFrom(flags: OutputFlags, context: Context): Promise<OperatorVersion> {
  const { newestOperatorRelease, parseOperatorVersion } = await import('../../../operator/versions.ts')
  if (flags.operatorVersion !== undefined) return parseOperatorVersion(flags.operatorVersion)
  if (flags.context === undefined && flags.kubeconfig === undefined) return newestOperatorRelease
  const { findOperatorVersion } = await import('../../../operator/find-version.ts')
  const { NimctlError } = await import('../../../system/errors.ts')
  const cluster = await openFlaggedCluster(flags, context)
  const found = await findOperatorVersion(cluster, context.signal)
  if (found !== undefined) return found.version
  throw new NimctlError('not-found', 'OPERATOR_NOT_FOUND', {
    what: `${cluster.address} shows no NIM Operator.`,
    why: 'Neither its Deployment nor its CRDs are there, or this user may see neither.',
    next: `Name its version: --operator-version ${newestOperatorRelease}`,
  })
}

interface Delivery {
  flags: OutputFlags
  context: Context
  /** Of the objects, and what they were made from. */
  origin: { name: string; from: string }
  target: Target
  /** What the kind's request said of images, so that `--images` tells what `nimctl mirror` is to be given. */
  place?: ImagePlace
  /** As the inventory names it. */
  sourceImage?: string | undefined
}

/** Changes the objects as the user says, checks them, and prints or writes them. */
export async function deliver(emitted: EmitResult, delivery: Delivery): Promise<void> {
  const { flags, context, target } = delivery
  const { finish } = await import('../../../emit/finish/finish.ts')
  const { imagesOf, sourcesOf } = await import('../../../emit/images.ts')
  const changes = { patches: await readPatches(flags), assignments: flags.set ?? [] }
  const result = finish(emitted, changes, target.operatorVersion)
  const { objects, warnings, prerequisites } = result
  for (const message of warnings) context.report({ event: 'warning', code: 'EMIT', message })
  const images = sourcesOf(imagesOf(objects), delivery)
  const document = { ok: true, objects, images, warnings, prerequisites }
  if (flags.images === true) return context.print('EmitResult', document, () => images.join('\n'))
  const rendered = await renderer(delivery)
  const path = flags.write
  if (path === undefined) return context.print('EmitResult', document, () => rendered.render(result).trimEnd())
  if (await isDirectoryName(path)) {
    const files = await writeDirectory(path, result, rendered)
    return context.print('EmitResult', { ...document, path, files }, () => `Wrote ${files.join(', ')} to ${path}.`)
  }
  const { writeFileAtomically } = await import('../../../system/files.ts')
  await writeFileAtomically(path, rendered.render(result))
  const kinds = objects.map(({ kind }) => kind).join(', ')
  context.print('EmitResult', { ...document, path }, () => `Wrote ${kinds} to ${path}.`)
}

async function readPatches({ patch: files = [] }: OutputFlags): Promise<Patch[]> {
  const { parsePatches } = await import('../../../emit/finish/patch.ts')
  return files.flatMap(file => parsePatches(readInputFile(file, '--patch'), file))
}

async function renderer({ flags, origin }: Delivery): Promise<Rendered> {
  const { renderHeader, renderYaml } = await import('../../../emit/yaml.ts')
  const from = `${origin.name}: made by ${toolName()} from ${origin.from}`
  const header = (result: EmitResult) => renderHeader(result, from)
  if (flags.output === 'json') {
    const list = ({ objects }: EmitResult) => ({ apiVersion: 'v1', kind: 'List', items: objects })
    return { extension: 'json', header, render: result => `${JSON.stringify(list(result), undefined, 2)}\n` }
  }
  return { extension: 'yaml', header, render: result => renderYaml(result, from) }
}
