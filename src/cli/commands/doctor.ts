import { Command } from 'commander'

import type { DoctorFinding } from '../../pipeline/doctor.ts'
import type { Context } from '../context.ts'
import { addStoreOptions, addWritingOptions, openFlaggedStore, type StoreFlags } from '../options/store.ts'
import { parseStoreUrl } from '../options/values.ts'
import { ngcKey } from '../settings.ts'

interface DoctorFlags extends StoreFlags {
  write?: true
}

export function doctorCommand(context: Context): Command {
  const command = new Command('doctor')
    .description(
      'Checks what the other commands need: Node.js, skopeo, the container engine, the key, and given stores.',
    )
    .argument('[url...]', 'stores to ask whether they can be listed')
    .option('--write', 'also put, read and remove a small object in each store')
    .addHelpText('after', '\nExamples:\n  nimctl doctor\n  nimctl doctor s3://models/llama --write')
    .action(async (urls: string[], flags: DoctorFlags) => {
      const { examine } = await import('../../pipeline/doctor.ts')
      const { openDockerEngine } = await import('../../system/docker.ts')
      const { openSkopeo } = await import('../../image/skopeo.ts')
      const { env, signal } = context
      const checks = await examine({
        openSkopeo: () => openSkopeo({ env, signal }),
        openEngine: () => openDockerEngine({ env }),
        keySet: ngcKey(env) !== undefined,
        urls: urls.map(parseStoreUrl),
        openStore: url => openFlaggedStore(url, flags, { context, readOnly: flags.write !== true }),
        write: flags.write === true,
        signal,
      })
      const ok = checks.every(({ status }) => status !== 'failed')
      context.print('DoctorReport', { ok, checks }, () => checks.map(render).join('\n'))
    })
  return addWritingOptions(addStoreOptions(command))
}

const marks = { ok: '✓', warning: '!', failed: '✗' } as const

function render({ name, status, found, next }: DoctorFinding): string {
  return `${marks[status]} ${name}: ${found}${next === undefined ? '' : `\n    ${next}`}`
}
