import { Command, Option } from 'commander'

import { cacheCommand } from './commands/cache.ts'
import { doctorCommand } from './commands/doctor.ts'
import { downloadCommand } from './commands/download.ts'
import { emitCommand } from './commands/emit.ts'
import { listCommand } from './commands/list.ts'
import { mirrorCommand } from './commands/mirror.ts'
import { profilesCommand } from './commands/profiles.ts'
import { uploadCommand } from './commands/upload.ts'
import { validateCommand } from './commands/validate.ts'
import { versionCommand } from './commands/version.ts'
import type { Context } from './context.ts'
import { nimctlVersion } from './settings.ts'

export interface GlobalFlags {
  json?: true
  quiet?: true
  verbose?: true
  progress?: 'auto' | 'plain' | 'json'
}

/** The command tree, in the order in which the work is done. */
export function createProgram(context: Context): Command {
  const program = new Command('nimctl')
    .description('Carries NVIDIA NIM models into clusters without internet.')
    .version(nimctlVersion(), '-V, --version', 'print the version')
    .addHelpText('after', overview)
    .addCommand(mirrorCommand(context))
    .addCommand(profilesCommand(context))
    .addCommand(cacheCommand(context))
    .addCommand(uploadCommand(context))
    .addCommand(downloadCommand(context))
    .addCommand(listCommand(context))
    .addCommand(validateCommand(context))
    .addCommand(emitCommand(context))
    .addCommand(doctorCommand(context))
    .addCommand(versionCommand(context))
  settle(program)
  return program
}

const overview = `
The way of a model:
  nimctl mirror IMAGE --to registry.internal:5000       the image, into the internal registry
  nimctl profiles IMAGE                                 what it offers
  nimctl cache IMAGE ./cache --profile ID               its files, from NGC
  nimctl upload ./cache s3://models/llama               into the bucket, each byte once
  nimctl validate store s3://models/llama               is it complete? (also on the other side)
  nimctl emit stack llama --cache s3://models/llama     YAML for the NIM Operator

Exit codes: 0 done, 1 bug, 2 usage, 3 check failed, 4 not permitted, 5 not found, 6 unavailable, 7 tool missing,
8 this machine, 130 interrupted.`

/** Settings and flags that every command has; commander hands them down only to commands made with \`.command()\`. */
function settle(command: Command): void {
  command
    .exitOverride()
    .configureOutput({ outputError: () => {} }) // main.ts prints errors, in one place and one form
    .helpOption('-h, --help', 'show this help')
    .showSuggestionAfterError()
  if (command.commands.length === 0) addGlobalOptions(command)
  for (const child of command.commands) settle(child)
}

function addGlobalOptions(command: Command): void {
  command
    .addOption(new Option('--json', 'print one JSON document').helpGroup(everywhere))
    .addOption(new Option('-q, --quiet', 'no progress, warnings or logs').helpGroup(everywhere))
    .addOption(new Option('-v, --verbose', 'say what happens to each file').helpGroup(everywhere))
    .addOption(
      new Option('--progress <form>', 'how progress is shown on stderr')
        .choices(['auto', 'plain', 'json'])
        .default('auto')
        .helpGroup(everywhere),
    )
}

const everywhere = 'Everywhere:'
