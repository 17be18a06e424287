import { type ErrorCategory, NimctlError } from '../system/errors.ts'
import { sanitize } from '../system/secret.ts'

interface KnownFailure {
  match: RegExp
  category: ErrorCategory
  code: string
  what: (image: string) => string
  next?: (side: 'source' | 'destination') => string
  mend?: 'not'
}

/** skopeo exits with 1 for every failure, so its words decide; as versions 1.9 to 1.20 print them. */
const knownFailures: KnownFailure[] = [
  {
    match: /permission denied while trying to connect to the docker daemon|docker\.sock: connect: permission denied/i,
    category: 'auth',
    code: 'ENGINE_FORBIDDEN',
    what: () => 'You may not use the container engine.',
    next: () => 'Join the group docker (sudo usermod -aG docker $USER, then log in again), or run with sudo.',
  },
  {
    match: /cannot connect to the docker daemon/i,
    category: 'missing-tool',
    code: 'ENGINE_UNREACHABLE',
    what: image => `There is no container engine to read ${image} from.`,
    next: () => 'Start it (sudo systemctl start docker), or name the image in its registry instead.',
  },
  {
    match: /server gave HTTP response to HTTPS client/,
    category: 'unavailable',
    code: 'REGISTRY_TLS',
    what: image => `The registry of ${image} speaks HTTP, not HTTPS.`,
    next: side => `Where that is meant to be so: ${tlsFlag(side)}`,
    mend: 'not',
  },
  {
    match: /x509:|certificate signed by unknown authority|tls: failed to verify/,
    category: 'unavailable',
    code: 'REGISTRY_TLS',
    what: image => `The certificate of the registry of ${image} is not trusted.`,
    next: side =>
      `Name the CA that issued it: --ca-file FILE (NIMCTL_CA_FILE). Or switch the check off: ${tlsFlag(side)}`,
    mend: 'not',
  },
  {
    match: /no space left on device|disk quota exceeded/,
    category: 'local',
    code: 'DISK_FULL',
    what: image => `There was no space left while ${image} was copied.`,
    next: () => 'skopeo keeps layers in TMPDIR, else /var/tmp: free some space there and at the destination.',
  },
  {
    match: /toomanyrequests|too many requests/i,
    category: 'unavailable',
    code: 'REGISTRY_THROTTLED',
    what: image => `The registry of ${image} answered that there are too many requests.`,
    next: () => 'Wait, or log in: registries let known users ask more often.',
  },
  {
    match:
      /manifest unknown|name unknown|NAME_UNKNOWN|reference does not exist|no such image|not found in|no descriptor found for reference|index\.json: no such file|open .*: no such file or directory|no image found in manifest list/i,
    category: 'not-found',
    code: 'IMAGE_NOT_FOUND',
    what: image => `There is no image ${image}.`,
    next: () => 'Check name and tag. Registries also hide what they do not permit: log in with skopeo login.',
  },
  {
    match:
      /unauthorized|authentication required|access.{0,20}denied|\bdenied\b|forbidden|invalid username\/password|payment required|status(?: code)?:? 40[123]|credentials/i,
    category: 'auth',
    code: 'REGISTRY_AUTH',
    what: image => `The registry does not permit this for ${image}.`,
    next: () => 'Log in: skopeo login REGISTRY. For nvcr.io the user is $oauthtoken and the password your NGC key.',
  },
  {
    match: /status(?: code)?:? 5\d\d|internal server error|insufficient storage/i,
    category: 'unavailable',
    code: 'REGISTRY_FAILED',
    what: image => `The registry failed at ${image}.`,
    next: () =>
      'Run the same command again; what has been copied is kept. If that does not help, look at the log of the registry and at its disk.',
  },
  {
    match:
      /connection refused|no such host|i\/o timeout|timeout|deadline exceeded|connection reset|network is unreachable|no route to host|EOF|handshake|server misbehaving|pinging container registry/i,
    category: 'unavailable',
    code: 'REGISTRY_UNREACHABLE',
    what: image => `The registry of ${image} could not be reached.`,
    next: () => 'Check its address, the network and HTTPS_PROXY, then run the same command again.',
  },
  {
    match: /policy\.json/,
    category: 'local',
    code: 'SIGNATURE_POLICY_MISSING',
    what: () => 'skopeo has no policy that says which signatures it wants.',
    next: () =>
      'To want none: mkdir -p ~/.config/containers && echo \'{"default":[{"type":"insecureAcceptAnything"}]}\' > ~/.config/containers/policy.json',
  },
  {
    match: /permission denied|read-only file system/i,
    category: 'local',
    code: 'NOT_WRITABLE',
    what: image => `${image} may not be written by this user.`,
  },
]

/**
 * What skopeo's failure means to the user.
 *
 * @param image as the user wrote it, of the side that failed.
 * @param stderr skopeo's last lines.
 */
export function translateSkopeoFailure(stderr: string, image: string, side: 'source' | 'destination'): NimctlError {
  const words = skopeoWords(stderr)
  const known = knownFailures.find(({ match }) => match.test(words))
  if (known === undefined) {
    return new NimctlError('unavailable', 'SKOPEO_FAILED', {
      what: `skopeo failed on ${image}.`,
      why: words === '' ? 'It printed nothing.' : `skopeo says: ${words}`,
      next: 'Run the same command again; what has been copied is kept.',
    })
  }
  return new NimctlError(known.category, known.code, {
    what: known.what(image),
    why: `skopeo says: ${words}`,
    next: known.next?.(side),
    ...(known.mend && { mend: known.mend }),
  })
}

/** Which side a failed copy speaks of. Reading the source has worked before, so it is the destination unless told. */
export function failedSide(stderr: string): 'source' | 'destination' {
  const words = skopeoWords(stderr)
  if (/destination|writing (?:blob|manifest)|uploading|pushing/i.test(words)) return 'destination'
  return /\bsource\b|reading (?:blob|manifest|config)|initializing source/i.test(words) ? 'source' : 'destination'
}

/** The message of the last logrus line (`time="…" level=fatal msg="…"`), else the last line. */
function skopeoWords(stderr: string): string {
  const last = stderr.split('\n').findLast(line => line.trim() !== '') ?? ''
  const message = /\bmsg="((?:[^"\\]|\\.)*)"/.exec(last)?.[1]?.replaceAll(/\\(["\\])/g, '$1')
  return sanitize(message ?? last).trim()
}

function tlsFlag(side: 'source' | 'destination'): string {
  return side === 'source' ? '--no-src-tls-verify' : '--no-dest-tls-verify'
}
