import { type Command, Option } from 'commander'

import type { HybridManager } from '../../hybrid-manager/client.ts'
import { NimctlError } from '../../system/errors.ts'
import type { Context } from '../context.ts'
import { hybridManagerKey, proxySettings } from '../settings.ts'
import { warnAboutServer } from './keyed-server.ts'
import { parseRetries } from './values.ts'

export interface HybridManagerFlags {
  url?: string
  caFile?: string
  insecureSkipTlsVerify?: true
  retries: number
}

const heading = 'Hybrid Manager:'

/** Where it is, and how it is asked. */
export function addHybridManagerOptions(command: Command): Command {
  const options = [
    new Option('--url <url>', 'of its portal, such as https://hm.internal').env('NIMCTL_HM_URL'),
    new Option('--ca-file <file>', "certificates in PEM to trust beside the system's").env('NIMCTL_CA_FILE'),
    new Option('--insecure-skip-tls-verify', 'do not check TLS certificates'),
    new Option('--retries <n>', 'tries after the first').default(8).argParser(parseRetries).env('NIMCTL_RETRIES'),
  ]
  for (const option of options) command.addOption(option.helpGroup(heading))
  return command
}

/** What documents say of the portal that was asked. */
export interface AskedPortal {
  url: string
  insecureTls?: true
}

/**
 * Asks Hybrid Manager as the flags say.
 *
 * @throws NimctlError `usage` / `HM_URL_MISSING`, `HM_URL_INVALID`, `HM_KEY_INVALID`; `auth` / `HM_KEY_MISSING`; and what
 * `ask` throws.
 */
export async function askHybridManager<T>(
  flags: HybridManagerFlags,
  context: Context,
  ask: (api: HybridManager, portal: AskedPortal) => Promise<T>,
): Promise<T> {
  const { openHybridManager } = await import('../../hybrid-manager/client.ts')
  const { defaultRetryPolicy } = await import('../../system/retry.ts')
  const { env, signal, report } = context
  const { insecureSkipTlsVerify, retries } = flags
  const portal = parsePortal(flags.url)
  const caFile = flags.caFile || env.SSL_CERT_FILE
  const key = hybridManagerKey(env)
  const insecure = insecureSkipTlsVerify === true
  warnAboutServer(context, { url: portal, keyed: true, insecure })
  const api = await openHybridManager(portal, {
    key,
    connections: { ...(caFile && { caFile }), ...(insecure && { insecureSkipTlsVerify }), ...proxySettings(env) },
    retry: { ...defaultRetryPolicy, maxRetries: retries },
    signal,
    report,
  })
  try {
    return await ask(api, { url: portal.href, ...(insecure && { insecureTls: true }) })
  } finally {
    api.close()
  }
}

/** With a slash at its end: a portal may have a path. */
function parsePortal(text: string | undefined): URL {
  if (!text) {
    throw new NimctlError('usage', 'HM_URL_MISSING', {
      what: 'Nothing says where Hybrid Manager is.',
      next: 'Give the address of its portal: --url https://HOST (NIMCTL_HM_URL)',
    })
  }
  const url = URL.parse(text)
  const usable = url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search + url.hash === ''
  if (usable) return new URL(url.href.replace(/\/?$/, '/'))
  throw new NimctlError('usage', 'HM_URL_INVALID', {
    what: 'The address of Hybrid Manager is no address of a portal.',
    why: 'It begins with https:// and a host, and has no user, no password and no query.',
    next: 'Write it as: --url https://HOST',
  })
}
