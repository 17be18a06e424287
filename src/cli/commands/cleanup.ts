import { Command, Option } from 'commander'

import type { Context } from '../context.ts'
import { openPlace } from '../options/place.ts'
import { addStoreOptions, type StoreFlags } from '../options/store.ts'
import { parseDuration } from '../options/values.ts'
import { count } from '../render/format.ts'

interface CleanupFlags extends StoreFlags {
  olderThan: number
  dryRun?: true
}

const day = 24 * 60 * 60 * 1000

export function cleanupCommand(context: Context): Command {
  const command = new Command('cleanup')
    .description(
      'Aborts uploads that were begun under a prefix and never ended. Their parts cost money and stand in no listing.\n' +
        'A killed upload goes on by running it again; this is for those that nobody will run again.',
    )
    .argument('<url>', 'store and prefix')
    .addOption(
      new Option('--older-than <duration>', 'leave younger ones, which may be at work')
        .default(2 * day, '2d')
        .argParser(parseDuration),
    )
    .option('--dry-run', 'say what would be aborted and change nothing')
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl cleanup s3://models/ --dry-run\n  nimctl cleanup s3://models/llama --older-than 12h',
    )
    .action(async (url: string, flags: CleanupFlags) => {
      const { cleanUp } = await import('../../transfer/cleanup.ts')
      const dryRun = flags.dryRun === true
      const store = await openPlace(url, flags, { context, readOnly: dryRun })
      const uploads = await cleanUp(store, {
        olderThanMs: flags.olderThan,
        nowMs: Date.now(),
        dryRun,
        signal: context.signal,
      })
      store.close()
      const done = dryRun ? 'Would abort' : 'Aborted'
      context.print('CleanupResult', { ok: true, dryRun, uploads }, () =>
        [
          ...uploads.map(({ key, started }) => `${started}  ${key}`),
          `${done} ${count(uploads.length, 'upload')}.`,
        ].join('\n'),
      )
    })
  return addStoreOptions(command)
}
