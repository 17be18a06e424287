import { dirname, join, resolve } from 'node:path'

import { Command } from 'commander'

import type { Context } from '../context.ts'
import { configFile } from '../options/place.ts'
import { addStoreOptions, type StoreFlags } from '../options/store.ts'
import { openToolbox } from '../options/toolbox.ts'
import { lockFileOf } from './run.ts'

export function diffCommand(context: Context): Command {
  const command = new Command('diff')
    .description(
      'Compares nimctl.yaml with nimctl.lock, the lock with the images as they are now, and with the destinations.\n' +
        'Exits with 0 where all is the same, with 3 where something changed. Nothing is downloaded or written.',
    )
    .addHelpText('after', '\nExamples:\n  nimctl diff\n  nimctl diff --config models/nimctl.yaml --json')
    .action(async (flags: StoreFlags) => {
      const { readConfig } = await import('../../pipeline/config/read.ts')
      const { diff } = await import('../../pipeline/diff.ts')
      const { renderTable } = await import('../render/table.ts')
      const file = configFile(flags, context)
      const config = await readConfig(file, context.env)
      const changes = await diff({
        config,
        lockFile: lockFileOf(file),
        directoryOf: model => join(dirname(resolve(file)), 'caches', model.name),
        toolbox: openToolbox({ config: resolve(file), flags, context }),
        signal: context.signal,
        report: context.report,
      })
      const rows = changes.map(({ model, change, what = '', expected = '', found = '' }) => [
        model,
        change,
        what,
        expected,
        found,
      ])
      context.print('DiffResult', { ok: changes.length === 0, changes }, () =>
        changes.length === 0
          ? 'File, lock, images and destinations say the same.'
          : renderTable(['MODEL', 'CHANGE', 'WHAT', 'EXPECTED', 'FOUND'], rows),
      )
    })
  return addStoreOptions(command)
}
