import { translateSshError } from './docker-ssh.ts'
import { NimctlError, errorCode, errorMessage, type ErrorCategory } from './errors.ts'
import { sanitize } from './secret.ts'

interface KnownAnswer {
  match: RegExp
  category: ErrorCategory
  code: string
  what: (subject: string) => string
  next?: (subject: string) => string
}

/** The daemon has no codes of its own, so its words decide. Texts as Docker Engine 20.10 and later prints them. */
const knownAnswers: KnownAnswer[] = [
  {
    match: /could not select device driver/i,
    category: 'missing-tool',
    code: 'GPU_RUNTIME_MISSING',
    what: () => 'The engine has no driver for GPUs.',
    next: () =>
      'Install the NVIDIA Container Toolkit on its host, or leave --gpus off: downloading needs none on most images.',
  },
  {
    match: /unknown (?:or invalid )?runtime/i,
    category: 'missing-tool',
    code: 'RUNTIME_MISSING',
    what: () => 'The engine does not know the runtime that was asked for.',
    next: () =>
      'List those that it knows with: docker info. The runtime nvidia comes with the NVIDIA Container Toolkit.',
  },
  {
    match: /bind source path does not exist/i,
    category: 'local',
    code: 'MOUNT_SOURCE_MISSING',
    what: () => 'A directory to be mounted does not exist where the engine runs.',
    next: () => 'With DOCKER_HOST on another machine, the directory has to exist there.',
  },
  {
    match: /executable file not found|exec: ".*": stat .*no such file or directory/i,
    category: 'not-found',
    code: 'COMMAND_NOT_FOUND',
    what: image => `${image} does not contain the program that was to run.`,
  },
  {
    match: /unable to find user|no matching entries in (?:passwd|group) file/i,
    category: 'usage',
    code: 'CONTAINER_USER_UNKNOWN',
    what: image => `${image} does not know the user that was asked for.`,
    next: () => 'Give numbers: --user UID:GID.',
  },
  {
    match: /network .* not found/i,
    category: 'not-found',
    code: 'CONTAINER_NETWORK_NOT_FOUND',
    what: () => 'The engine has no such network.',
    next: () => 'List its networks with: docker network ls',
  },
  {
    match: /no space left on device|disk quota exceeded/i,
    category: 'local',
    code: 'DISK_FULL',
    what: () => "The engine's disk is full.",
    next: () => 'Look at: docker system df. Free some space there, then run the same command again.',
  },
  {
    match: /no such image|manifest unknown|manifest for .* not found|pull access denied|not found: manifest/i,
    category: 'not-found',
    code: 'IMAGE_NOT_FOUND',
    what: image => `There is no image ${image}.`,
    next: image => `Check name and tag, and log in where it is private: docker pull ${image}`,
  },
  {
    match:
      /unauthorized|authentication required|no basic auth credentials|\bdenied\b|forbidden|payment required|\b40[123]\b/i,
    category: 'auth',
    code: 'REGISTRY_AUTH',
    what: image => `The registry does not let you pull ${image}.`,
    next: () =>
      'For nvcr.io: docker login nvcr.io, user $oauthtoken, password your NGC key, whose organization needs the entitlement.',
  },
  {
    match: /x509:|certificate signed by unknown|server gave HTTP response to HTTPS client/i,
    category: 'unavailable',
    code: 'REGISTRY_TLS',
    what: image => `The registry of ${image} could not be trusted.`,
    next: () =>
      'Add its certificate to the engine: /etc/docker/certs.d/HOST/ca.crt, or insecure-registries in daemon.json.',
  },
  {
    match:
      /connection refused|no such host|i\/o timeout|timeout|handshake|connection reset|unexpected EOF|toomanyrequests/i,
    category: 'unavailable',
    code: 'REGISTRY_UNREACHABLE',
    what: image => `The registry of ${image} could not be reached by the engine.`,
    next: () => "Check the network and the engine's proxy settings (docker info), then run the same command again.",
  },
]

/** Errors of connecting. */
const unreachable = [
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTDIR',
  'EPIPE',
]

/**
 * What an error of dockerode means to the user. NimctlErrors, aborts and bugs come back as they are.
 *
 * @param subject the image that it was about, for the sentence.
 */
export function translateDockerError(error: unknown, address: string, subject: string): Error {
  if (error instanceof NimctlError) return error
  if (error instanceof Error && error.name === 'AbortError') return error
  const connection = translateSshError(error, address) ?? translateConnectionError(error, address)
  if (connection !== undefined) return connection
  const message = daemonWords(error)
  const known = knownAnswers.find(({ match }) => match.test(message))
  if (known !== undefined) {
    return new NimctlError(known.category, known.code, {
      what: known.what(subject),
      why: `The engine says: ${message}`,
      next: known.next?.(subject),
      ...(known.code === 'REGISTRY_TLS' && { mend: 'not' as const }),
      cause: error,
    })
  }
  if (statusOf(error) === undefined) return error instanceof Error ? error : new Error(message)
  return new NimctlError('local', 'ENGINE_ERROR', {
    what: `The container engine refused what was asked for ${subject}.`,
    why: `The engine says: ${message}`,
    cause: error,
  })
}

function translateConnectionError(error: unknown, address: string): NimctlError | undefined {
  const code = errorCode(error) ?? ''
  if (code === 'EACCES' || code === 'EPERM') {
    return new NimctlError('auth', 'ENGINE_FORBIDDEN', {
      what: `You may not use the container engine at ${address}.`,
      why: errorMessage(error),
      next: 'Join the group docker (sudo usermod -aG docker $USER, then log in again), or run with sudo.',
      cause: error,
    })
  }
  const tls = /^ERR_(?:TLS|SSL)|CERT|SIGNATURE|^EPROTO$/.test(code)
  if (!tls && !unreachable.includes(code)) return undefined
  return new NimctlError('missing-tool', 'ENGINE_UNREACHABLE', {
    what: `There is no container engine at ${address}.`,
    why: errorMessage(error),
    next: tls
      ? 'Check DOCKER_TLS_VERIFY and DOCKER_CERT_PATH.'
      : 'Start it (sudo systemctl start docker), install it (apt-get install docker.io), or set DOCKER_HOST.',
    cause: error,
  })
}

export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined
  return typeof error.statusCode === 'number' ? error.statusCode : undefined
}

function daemonWords(error: unknown): string {
  return sanitize(errorMessage(error).replace(/^\(HTTP code \d+\) [^-]*- /, '')).trim()
}
