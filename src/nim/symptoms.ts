import { type ErrorCategory, NimctlError } from '../system/errors.ts'
import { sanitize } from '../system/secret.ts'

/** A text that NIM containers, or the cluster around them, print, and what it means (reference/nim.md section 7). */
export interface Symptom {
  match: RegExp
  category: ErrorCategory
  code: string
  what: string
  next: string
}

/**
 * What a download says. Causes before their consequences: the first match wins, wherever in the log it stands.
 * The last lines of a log are usually the consequence. What only a cluster shows: cluster-symptoms.ts.
 */
export const downloadSymptoms: readonly Symptom[] = [
  {
    match: /requires an API key, but none was found/i,
    category: 'auth',
    code: 'NGC_KEY_MISSING',
    what: 'The container needs an NGC key and was given none.',
    next: 'Export the key, do not only set it: export NGC_API_KEY=… (https://org.ngc.nvidia.com/setup/api-keys). A docker login gives the container none.',
  },
  {
    match:
      /getpwuid\(\): uid not found|no user exists for uid|(?:must|has to|needs to) (?:be )?run as (?:root|user|uid)/i,
    category: 'usage',
    code: 'USER_REFUSED',
    what: 'The image does not run as the user that it was given.',
    next: "Leave it its own: --user image. The directory then has to be writable for that user, and the files are that user's.",
  },
  {
    match:
      /(?:proxy|CONNECT)\b.{0,60}\b40[37]\b|\b40[37]\b.{0,40}(?:from proxy|proxy authentication)|proxy authentication required/i,
    category: 'unavailable',
    code: 'PROXY_REFUSED',
    what: 'The proxy refused the connection.',
    next: 'Look at HTTPS_PROXY (http://user:password@host:port), and at what the proxy permits; NO_PROXY names what goes without it.',
  },
  {
    match:
      /cannot access gated repo|access to model .{1,200} is restricted|GatedRepoError|huggingface.{0,200}\b40[13]\b|\b40[13]\b.{0,200}huggingface/i,
    category: 'auth',
    code: 'HF_TOKEN_NEEDED',
    what: 'The weights come from Hugging Face, which does not give them without a right to them.',
    next: 'Accept their licence there, then pass a token: export HF_TOKEN=… and --env HF_TOKEN.',
  },
  {
    match: /not a member of the organization|requires permissions that the user does not have|payment required/i,
    category: 'auth',
    code: 'NGC_NOT_ENTITLED',
    what: 'NGC knows the key, but its organization may not have this model.',
    next: 'Ask for the entitlement (NVIDIA AI Enterprise), or make a key in the organization that has it.',
  },
  {
    match:
      /\b401\b.{0,40}unauthorized|unauthorized.{0,40}\b401\b|(?:status|http|error|code)\S{0,3}[ :=]+401\b|authentication (?:error|failed)|invalid api key|api key is (?:invalid|expired)/i,
    category: 'auth',
    code: 'NGC_KEY_REFUSED',
    what: 'NGC refused the key.',
    next: 'Make a new key (https://org.ngc.nvidia.com/setup/api-keys) and export it as NGC_API_KEY. A docker login is not enough.',
  },
  {
    match: /(?:status|http|error|code)\S{0,3}[ :=]+403\b|\b403\b.{0,20}forbidden/i,
    category: 'auth',
    code: 'NGC_FORBIDDEN',
    what: 'NGC does not permit the download with this key.',
    next: "Look at the key's services and the entitlement of its organization: https://org.ngc.nvidia.com/setup/api-keys",
  },
  {
    match: /no space left on device|os error 28\b|disk quota exceeded/i,
    category: 'local',
    code: 'DISK_FULL',
    what: 'There was no space left for the cache.',
    next: 'Free some space (df -h), then run the same command again; what has been downloaded is kept.',
  },
  {
    match: /os error 18\b|invalid cross-device link/i,
    category: 'local',
    code: 'CACHE_MOUNTED_IN_PARTS',
    what: 'Parts of the cache lie on different file systems, so that finished files cannot be moved into place.',
    next: 'Mount the whole cache directory, not one model of it.',
  },
  {
    match: /repo file list has not been validated/i,
    category: 'local',
    code: 'CACHE_NOT_WRITABLE',
    what: 'The container could not write to its cache directory.',
    next: 'Often it is mounted read-only. Give a directory that this user may write to.',
  },
  {
    match: /permission denied|os error 13\b|read-only file system|os error 30\b/i,
    category: 'local',
    code: 'CACHE_NOT_WRITABLE',
    what: 'The container may not write to its cache directory.',
    next: 'Make it writable for the container: chmod -R a+rwX DIR. Some images want their own user: --user image, or --user 1000:0.',
  },
  {
    match: /unknown profiles provided/i,
    category: 'not-found',
    code: 'PROFILE_UNKNOWN',
    what: 'The image does not offer a profile that was asked for.',
    next: 'Ids change with every image tag. List those of this one with: nimctl profiles IMAGE',
  },
  {
    match: /no matching profile_id or profile description/i,
    category: 'not-found',
    code: 'PROFILE_UNKNOWN',
    what: "A profile that was asked for is not in the image's manifest.",
    next: 'Ids change with every image tag: nimctl profiles IMAGE. NIM_MODEL_PROFILE takes the bare id or the exact description.',
  },
  {
    match:
      /(?:ModuleNotFoundError|ImportError|Traceback).*?\b(?:vllm|libcuda|libnvidia)|File "[^"]*\/vllm\/[^"]*", line|libcuda\.so|failed to infer device type/i,
    category: 'missing-tool',
    code: 'GPU_NEEDED',
    what: 'This image downloads only where it finds a GPU.',
    next: 'Run it on a host with the NVIDIA Container Toolkit and --gpus all (LLM 1.0 images need that).',
  },
  {
    match:
      /certificate verify failed|self.signed certificate|unable to get local issuer|UnknownIssuer|invalid peer certificate|SSL certificate problem|error setting certificate/i,
    category: 'unavailable',
    code: 'NGC_TLS',
    what: 'The container does not trust the certificate that it was shown.',
    next: "Behind an inspecting proxy: export SSL_CERT_FILE=FILE with the proxy's CA; nimctl hands it to the container.",
  },
  {
    match: /too many requests|(?:status|http|error|code)\S{0,3}[ :=]+429\b/i,
    category: 'unavailable',
    code: 'NGC_THROTTLED',
    what: 'NGC answered that there are too many requests.',
    next: 'Wait a little and run the same command again; it goes on where it stopped.',
  },
  {
    match:
      /could not resolve|failed to lookup address|name or service not known|temporary failure in name resolution|connection (?:refused|reset|timed out|aborted)|connect timeout|failed to connect|couldn['’]?t connect|error sending request|operation timed out|timed out|network is unreachable|max retries exceeded|empty reply from server|transfer closed|(?:status|http|error|code)\S{0,3}[ :=]+5\d\d\b/i,
    category: 'unavailable',
    code: 'NGC_UNREACHABLE',
    what: 'The container could not reach NGC, or the hub that it loads from.',
    next: 'Allow authn.nvidia.com, api.ngc.nvidia.com and xfiles.ngc.nvidia.com (huggingface.co for hf://), or export HTTPS_PROXY; then run it again.',
  },
  {
    match: /(?:status|http|error|code)\S{0,3}[ :=]+404\b|\b404\b.{0,20}not found/i,
    category: 'not-found',
    code: 'MODEL_NOT_FOUND',
    what: 'NGC does not have a file that the image asked for.',
    next: "Check that the image is current, and the key's organization entitled: NGC also hides what it does not permit.",
  },
  {
    match: /error downloading models, ignoring and continuing/i,
    category: 'check-failed',
    code: 'DOWNLOAD_FAILURE_IGNORED',
    what: 'The container could not download, and went on without the models.',
    next: 'Its log above says why. NIM_IGNORE_MODEL_DOWNLOAD_FAIL, which makes it go on, is for serving: leave it off here.',
  },
]

/**
 * Recognises the cause of a failure in a container's log.
 *
 * @param lines in the order in which they were printed.
 * @returns an error that names cause and cure, with the line as its `why`, or `undefined` when nothing is known.
 */
export function recogniseSymptom(lines: readonly string[]): NimctlError | undefined {
  return findSymptom(downloadSymptoms, lines) ?? recogniseStall(lines)
}

/** The first of the symptoms that a log shows. */
export function findSymptom(symptoms: readonly Symptom[], lines: readonly string[]): NimctlError | undefined {
  for (const { match, category, code, what, next } of symptoms) {
    const line = lines.find(each => match.test(each))
    if (line !== undefined) return new NimctlError(category, code, { what, why: `It says: ${shorten(line)}`, next })
  }
  return undefined
}

/** What the end of a log means from which nothing more comes. */
export function recogniseStall(lines: readonly string[]): NimctlError | undefined {
  const last = lines.findLast(line => line.trim() !== '')
  return last !== undefined && /fetching filemap from:/i.test(last) ? stuckAtFileMap(last) : undefined
}

/** Section 7: nothing follows this line where the CDN is not reachable. */
function stuckAtFileMap(line: string): NimctlError {
  return new NimctlError('unavailable', 'NGC_CDN_BLOCKED', {
    what: 'The container got no further than asking NGC for the list of files.',
    why: `Its last line: ${shorten(line)}`,
    next: 'Usually a firewall: allow xfiles.ngc.nvidia.com, then run it again.',
  })
}

/** LLM 1.0 and 1.1 pass over ids that they don't know, and exit with 0 (section 1.1). */
export function skippedProfiles(lines: readonly string[]): string[] {
  return lines.flatMap(line => /The profile (\S+) doesn['’]t exist, skipping/.exec(line)?.[1] ?? [])
}

const shownLength = 300

function shorten(line: string): string {
  const shown = sanitize(line).trim()
  return shown.length > shownLength ? `${shown.slice(0, shownLength)}…` : shown
}
