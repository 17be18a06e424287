import { Command, Option } from 'commander'

import type { Context } from './context.ts'
import { nimctlVersion } from './settings.ts'

export interface GlobalFlags {
  json?: true
  quiet?: true
  verbose?: true
  progress?: 'auto' | 'plain' | 'json'
}

interface CommandSource {
  name: string
  summary: string
  load: (context: Context) => Promise<Command>
}

/** In the order in which the work is done. Each is loaded when it is named: cold start pays for one command. */
const sources: readonly CommandSource[] = [
  {
    name: 'mirror',
    summary: 'copy images to the internal registry',
    load: async context => (await import('./commands/mirror.ts')).mirrorCommand(context),
  },
  {
    name: 'profiles',
    summary: 'list what profiles an image offers, and choose',
    load: async context => (await import('./commands/profiles.ts')).profilesCommand(context),
  },
  {
    name: 'cache',
    summary: 'fill a directory with a model, from NGC',
    load: async context => (await import('./commands/cache.ts')).cacheCommand(context),
  },
  {
    name: 'upload',
    summary: 'upload a cache to stores',
    load: async context => (await import('./commands/upload.ts')).uploadCommand(context),
  },
  {
    name: 'download',
    summary: 'bring an uploaded cache back',
    load: async context => (await import('./commands/download.ts')).downloadCommand(context),
  },
  {
    name: 'list',
    summary: 'list the caches in a store',
    load: async context => (await import('./commands/list.ts')).listCommand(context),
  },
  {
    name: 'cleanup',
    summary: 'abort what killed uploads left behind',
    load: async context => (await import('./commands/cleanup.ts')).cleanupCommand(context),
  },
  {
    name: 'validate',
    summary: 'check that a cache or a store is complete',
    load: async context => (await import('./commands/validate.ts')).validateCommand(context),
  },
  {
    name: 'emit',
    summary: 'write Kubernetes objects',
    load: async context => (await import('./commands/emit/emit.ts')).emitCommand(context),
  },
  {
    name: 'status',
    summary: 'say how an object in the cluster does, and why',
    load: async context => (await import('./commands/status.ts')).statusCommand(context),
  },
  {
    name: 'hm',
    summary: "show and change the images of Hybrid Manager's models",
    load: async context => (await import('./commands/hm.ts')).hmCommand(context),
  },
  {
    name: 'init',
    summary: 'write a nimctl.yaml to begin with',
    load: async context => (await import('./commands/init.ts')).initCommand(context),
  },
  {
    name: 'run',
    summary: 'bring the models of nimctl.yaml where they belong',
    load: async context => (await import('./commands/run.ts')).runCommand(context),
  },
  {
    name: 'diff',
    summary: 'compare nimctl.yaml, its lock and the stores',
    load: async context => (await import('./commands/diff.ts')).diffCommand(context),
  },
  {
    name: 'doctor',
    summary: 'say what is missing on this host',
    load: async context => (await import('./commands/doctor.ts')).doctorCommand(context),
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async context => (await import('./commands/version.ts')).versionCommand(context),
  },
  {
    name: 'completion',
    summary: 'print a script that completes command lines',
    load: async context =>
      (await import('./commands/completion.ts')).completionCommand(context, () => wholeProgram(context)),
  },
  {
    name: 'man',
    summary: 'print the man page',
    load: async context => (await import('./commands/man.ts')).manCommand(context, () => wholeProgram(context)),
  },
]

export const commandNames = sources.map(({ name }) => name)

/**
 * The command tree.
 *
 * @param words of the command line: commands that are not among them are there by name and summary only.
 */
export async function createProgram(context: Context, words: readonly string[]): Promise<Command> {
  const program = new Command('nimctl')
    .description('Carries NVIDIA NIM models into clusters without internet.')
    .version(nimctlVersion(), '-V, --version', 'print the version')
    .addHelpText('after', overview)
  for (const { name, summary, load } of sources) {
    const command = words.includes(name) ? await load(context) : new Command(name)
    program.addCommand(command.summary(summary))
  }
  settle(program)
  return program
}

function wholeProgram(context: Context): Promise<Command> {
  return createProgram(context, commandNames)
}

const overview = `
The way of a model:
  nimctl mirror IMAGE --to registry.internal:5000       the image, into the internal registry
  nimctl profiles IMAGE                                 what it offers
  nimctl cache IMAGE ./cache --profile ID               its files, from NGC
  nimctl upload ./cache s3://models/llama               into the bucket, each byte once
  nimctl validate store s3://models/llama               is it complete? (also on the other side)
  nimctl emit stack llama --cache s3://models/llama     YAML for the NIM Operator
  nimctl status nimservice/llama --wait                 does it serve? If not, why

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
    .addOption(new Option('-v, --verbose', 'say what happens to each file, and each request').helpGroup(everywhere))
    .addOption(
      new Option('--progress <form>', 'how progress is shown on stderr')
        .choices(['auto', 'plain', 'json'])
        .default('auto')
        .helpGroup(everywhere),
    )
}

const everywhere = 'Everywhere:'
