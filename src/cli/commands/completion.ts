import { Argument, Command } from 'commander'

import type { Context } from '../context.ts'

const shells = ['bash', 'zsh', 'fish'] as const

/** @param whole makes the program with all of its commands. */
export function completionCommand(context: Context, whole: () => Promise<Command>): Command {
  return new Command('completion')
    .description(
      'Prints a script that completes commands, flags, choices and files on the command line. It is made for this version:\n' +
        'make it anew after an update.',
    )
    .addArgument(new Argument('<shell>', 'for which').choices(shells))
    .addHelpText('after', examples)
    .action(async (shell: (typeof shells)[number]) => {
      const { describeCommand } = await import('../reference/command-shape.ts')
      const makers = {
        bash: async () => (await import('../reference/bash.ts')).bashCompletion,
        zsh: async () => (await import('../reference/zsh.ts')).zshCompletion,
        fish: async () => (await import('../reference/fish.ts')).fishCompletion,
      }
      const make = await makers[shell]()
      const script = make(describeCommand(await whole()))
      context.print('Completion', { shell, script }, () => script)
    })
}

const examples = `
Examples:
  nimctl completion bash > ~/.local/share/bash-completion/completions/nimctl
  nimctl completion zsh > ~/.zfunc/_nimctl       # a folder of fpath, before compinit
  nimctl completion fish > ~/.config/fish/completions/nimctl.fish`
