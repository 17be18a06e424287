import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'

import { Command } from 'commander'

import type { Template } from '../../pipeline/config/template.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'

interface InitFlags {
  yes?: true
  force?: true
}

export function initCommand(context: Context): Command {
  return new Command('init')
    .description('Writes a commented nimctl.yaml to begin with. Asks on a terminal what to put into it.')
    .argument('[file]', 'what to write', 'nimctl.yaml')
    .option('-y, --yes', 'ask nothing')
    .option('--force', 'overwrite the file that is there')
    .addHelpText('after', '\nExamples:\n  nimctl init\n  nimctl init --yes && nimctl run --dry-run')
    .action((file: string, flags: InitFlags) => init(file, flags, context))
}

async function init(file: string, { yes, force }: InitFlags, context: Context): Promise<void> {
  const { renderTemplate, templateDefaults } = await import('../../pipeline/config/template.ts')
  const { writeFileAtomically } = await import('../../system/files.ts')
  if (force !== true && existsSync(file))
    throw new NimctlError('usage', 'FILE_EXISTS', {
      what: `${file} is there already.`,
      next: 'Name another file, or overwrite it with --force',
    })
  const asked = yes !== true && process.stdin.isTTY && process.stderr.isTTY
  const template = asked ? await ask(templateDefaults, context.signal) : templateDefaults
  await writeFileAtomically(file, renderTemplate(template))
  context.print('InitResult', { ok: true, path: file }, () => `Wrote ${file}. What it would do: nimctl run --dry-run`)
}

const questions: readonly [keyof Template, string][] = [
  ['image', 'Image'],
  ['name', 'Name of the model'],
  ['gpu', 'GPU of the nodes'],
  ['storeUrl', 'Store'],
  ['registry', 'Internal registry'],
]

/** On stderr: stdout is the result's. */
async function ask(defaults: Template, signal: AbortSignal): Promise<Template> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const answers = { ...defaults }
    for (const [key, question] of questions) {
      const answer = await lines.question(`${question} (${defaults[key]}): `, { signal })
      if (answer.trim() !== '') answers[key] = answer.trim()
    }
    return answers
  } finally {
    lines.close()
  }
}
