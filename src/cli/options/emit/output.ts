import { type Command, Option } from 'commander'

import type { Target } from '../../../emit/request.ts'
import type { EmitResult } from '../../../emit/result.ts'
import type { Context } from '../../context.ts'
import { toolName } from '../../settings.ts'
import { given } from '../values.ts'

export interface OutputFlags {
  namespace?: string
  operatorVersion?: string
  output: 'yaml' | 'json'
  write?: string
}

const heading = 'Objects:'

export function addOutputOptions(command: Command): Command {
  const options = [
    new Option('-n, --namespace <name>', 'of the objects'),
    new Option('--operator-version <version>', 'of the NIM Operator in the cluster (default: the newest known)'),
    new Option('-o, --output <form>', 'form of the objects').choices(['yaml', 'json']).default('yaml'),
    new Option('--write <file>', 'write to this file instead of stdout'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** @throws NimctlError `usage` / `OPERATOR_VERSION_UNKNOWN`. */
export async function targetFrom(
  { namespace, operatorVersion }: OutputFlags,
  { kind, name }: { kind: string; name: string },
): Promise<Target> {
  const { newestOperatorRelease, parseOperatorVersion } = await import('../../../operator/versions.ts')
  const version = operatorVersion === undefined ? newestOperatorRelease : parseOperatorVersion(operatorVersion)
  return { kind, name, operatorVersion: version, ...given({ namespace }) }
}

interface Delivery {
  flags: OutputFlags
  context: Context
  /** Of the objects, and what they were made from. */
  origin: { name: string; from: string }
}

/** Prints the objects, or writes them to a file. */
export async function deliver(result: EmitResult, { flags, context, origin }: Delivery): Promise<void> {
  const { objects, warnings, prerequisites } = result
  for (const message of warnings) context.report({ event: 'warning', code: 'EMIT', message })
  const document = { ok: true, objects, warnings, prerequisites }
  const text = await render(result, { flags, origin })
  const path = flags.write
  if (path === undefined) {
    context.print('EmitResult', document, () => text.trimEnd())
    return
  }
  const { writeFileAtomically } = await import('../../../system/files.ts')
  await writeFileAtomically(path, text)
  const kinds = objects.map(({ kind }) => kind).join(', ')
  context.print('EmitResult', { ...document, path }, () => `Wrote ${kinds} to ${path}.`)
}

async function render(result: EmitResult, { flags, origin }: Pick<Delivery, 'flags' | 'origin'>): Promise<string> {
  if (flags.output === 'json') {
    const list = { apiVersion: 'v1', kind: 'List', items: result.objects }
    return `${JSON.stringify(list, undefined, 2)}\n`
  }
  const { renderYaml } = await import('../../../emit/yaml.ts')
  return renderYaml(result, `${origin.name}: made by ${toolName()} from ${origin.from}`)
}
