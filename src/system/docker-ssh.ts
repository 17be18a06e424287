import { Agent } from 'node:http'

import { execa, ExecaError } from 'execa'

import { NimctlError } from './errors.ts'
import { sanitize } from './secret.ts'

const connectTimeoutSeconds = 30

/**
 * Connections to the engine of a machine that ssh leads to, as the docker command line makes them: through the program
 * ssh and `docker system dial-stdio` over there. So known hosts, keys, agent and ~/.ssh/config are what they are for
 * ssh itself, and a machine whose host key is not known is not talked to. It never waits for a password.
 *
 * @param env of the program, for PATH, HOME and SSH_AUTH_SOCK.
 */
export function openSshAgent(url: URL, env: Record<string, string | undefined>): Agent {
  const user = url.username === '' ? [] : ['-l', decodeURIComponent(url.username)]
  const port = url.port === '' ? [] : ['-p', url.port]
  const options = ['-T', '-o', 'BatchMode=yes', '-o', `ConnectTimeout=${connectTimeoutSeconds}`]
  const args = [...options, ...user, ...port, '--', url.hostname, 'docker', 'system', 'dial-stdio']
  const createConnection = () =>
    execa('ssh', args, {
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
      extendEnv: false,
      buffer: { stdout: false, stderr: true },
    }).duplex()
  return Object.assign(new Agent(), { createConnection })
}

/** What the end of ssh means to the user, in ssh's own words; `undefined` for other errors. */
export function translateSshError(error: unknown, address: string): NimctlError | undefined {
  if (!(error instanceof ExecaError)) return undefined
  if (error.code === 'ENOENT') {
    return new NimctlError('missing-tool', 'TOOL_MISSING', {
      what: 'The program ssh could not be started.',
      why: `It is not in PATH, and leads to the engine at ${address}.`,
      next: 'Install it: apt-get install openssh-client',
      cause: error,
    })
  }
  const words = sanitize(String(error.stderr ?? '')).trim()
  const why =
    words === '' ? `ssh ended with ${error.exitCode ?? error.signal}.` : `ssh says: ${words.split('\n').at(-1)}`
  if (/permission denied/i.test(words)) {
    return new NimctlError('auth', 'ENGINE_FORBIDDEN', {
      what: `You may not use the container engine at ${address}.`,
      why,
      next: 'Log in without a password (ssh-add, ssh-copy-id), and join the group docker over there.',
      cause: error,
    })
  }
  return new NimctlError('missing-tool', 'ENGINE_UNREACHABLE', {
    what: `There is no container engine at ${address}.`,
    why,
    next: 'Try it by hand, which also asks whether to trust the machine: ssh HOST docker version',
    cause: error,
  })
}
