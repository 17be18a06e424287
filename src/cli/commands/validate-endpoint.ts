import { Command, Option } from 'commander'

import { endpointKinds, type EndpointKind } from '../../validate/endpoint-requests.ts'
import type { Context } from '../context.ts'
import { addCheckOptions, runChecks, type CheckFlags } from '../options/checks.ts'
import { warnAboutServer } from '../options/keyed-server.ts'
import { parseEndpointUrl, parseRetries } from '../options/values.ts'
import { endpointKey, proxySettings } from '../settings.ts'

interface EndpointFlags extends CheckFlags {
  model?: string
  healthPath: string
  kind?: EndpointKind
  caFile?: string
  insecureSkipTlsVerify?: true
  retries: number
}

export function validateEndpointCommand(context: Context): Command {
  const command = new Command('endpoint')
    .summary('ask a running model')
    .description(
      'Asks a NIM whether it is ready, which models and profile it serves, and for one small answer.\n' +
        'Its key is read from NIMCTL_ENDPOINT_KEY.',
    )
    .argument('<url>', 'of the server, such as http://localhost:8000')
    .option('--model <name>', 'must be served, and is asked (default: the first that is served)')
    .option('--health-path <path>', 'where the server says that it is ready', 'v1/health/ready')
    .addOption(
      new Option('--kind <kind>', 'what the model is asked for (default: the first that it knows)').choices(
        endpointKinds,
      ),
    )
    .addOption(new Option('--ca-file <file>', "certificates in PEM to trust beside the system's").env('NIMCTL_CA_FILE'))
    .option('--insecure-skip-tls-verify', 'do not check TLS certificates')
    .addOption(
      new Option('--retries <n>', 'tries after the first').default(8).argParser(parseRetries).env('NIMCTL_RETRIES'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  nimctl validate endpoint http://localhost:8000\n  NIMCTL_ENDPOINT_KEY=… nimctl validate endpoint https://models.example/embed --kind embeddings',
    )
    .action(async (text: string, flags: EndpointFlags) => {
      const { validateEndpoint } = await import('../../validate/endpoint.ts')
      const { defaultRetryPolicy } = await import('../../system/retry.ts')
      const { env, signal, report } = context
      const { model, healthPath, kind, caFile, insecureSkipTlsVerify, retries } = flags
      const url = parseEndpointUrl(text)
      const key = endpointKey(env)
      warnAboutServer(context, { url, keyed: key !== undefined, insecure: insecureSkipTlsVerify === true })
      await runChecks(
        flags,
        context,
        checks =>
          validateEndpoint({
            url,
            healthPath,
            ...(model !== undefined && { model }),
            ...(kind !== undefined && { kind }),
            ...(key !== undefined && { key }),
            connections: {
              ...(caFile !== undefined && { caFile }),
              ...(insecureSkipTlsVerify === true && { insecureSkipTlsVerify }),
              ...proxySettings(env),
            },
            retry: { ...defaultRetryPolicy, maxRetries: retries },
            checks,
            signal,
            report,
          }),
        { passed: true },
      )
    })
  return addCheckOptions(command)
}
