import { Command } from 'commander'

import type { Context } from '../context.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { addRegistryOptions, registrySettings, type RegistryFlags } from '../options/image.ts'

interface ImageFlags extends CheckFlags, RegistryFlags {
  mirror?: string
}

export function validateImageCommand(context: Context): Command {
  const command = new Command('image')
    .summary('check an image in its registry')
    .description(
      'Checks that an image is there for all its platforms and can be pulled with these credentials, that it is a NIM, and\n' +
        'that its profiles can be read. The first bytes of each layer are fetched; nothing runs.',
    )
    .argument('<image>', 'in a registry, or as oci:DIR, oci-archive:FILE, docker-archive:FILE')
    .option('--mirror <image>', 'a copy of it that is to have the same digests')
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl validate image nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4\n  nimctl validate image nvcr.io/nim/meta/llama-3.1-8b-instruct:1.8.4 --mirror registry.internal/nim/meta/llama-3.1-8b-instruct:1.8.4',
    )
    .action(async (image: string, flags: ImageFlags) => {
      const { openImageSource } = await import('../../image/find-image.ts')
      const { parseImageReference } = await import('../../image/reference.ts')
      const { validateImage } = await import('../../validate/image.ts')
      const settings = await registrySettings(flags, context)
      const reference = parseImageReference(image)
      const login = 'path' in reference ? undefined : await settings.findCredentials(reference.registry)
      await runChecks(
        flags,
        context,
        checks =>
          validateImage({
            image,
            ...(flags.mirror !== undefined && { mirror: flags.mirror }),
            ...settings,
            open: asked => openImageSource(asked, settings),
            ...(login !== undefined && { authenticatedAs: login.username }),
            insecureTls: flags.insecureSkipTlsVerify === true || flags.plainHttp === true,
            checks,
          }),
        { passed: true },
      )
    })
  return addCheckOptions(addRegistryOptions(command))
}
