import { errorCode, errorMessage, NimctlError } from '../system/errors.ts'
import { sanitize } from '../system/secret.ts'

export interface ApiAnswer {
  status: number
  /** `reason` of the Status object: `NotFound`, `Forbidden`, … */
  reason: string
  /** The server's own words. */
  message: string
}

/** What was asked, for the error's words: `create a Job`. */
export interface ApiCall {
  task: string
  server: string
  namespace: string
}

/** The API server's answer in an error of the client library; `undefined` where no answer came. */
export function readAnswer(error: unknown): ApiAnswer | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error) || typeof error.code !== 'number')
    return undefined
  const status = readStatus('body' in error ? error.body : undefined)
  return { status: error.code, reason: status.reason ?? '', message: sanitize(status.message ?? `HTTP ${error.code}`) }
}

interface StatusObject {
  reason?: string
  message?: string
}

/** A Status object, its text, or whatever a proxy in between answered. */
export function readStatus(body: unknown): StatusObject {
  const value = typeof body === 'string' ? parseJson(body) : body
  if (typeof value !== 'object' || value === null) return {}
  return {
    ...('reason' in value && typeof value.reason === 'string' && { reason: value.reason }),
    ...('message' in value && typeof value.message === 'string' && { message: value.message }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return { message: text.trim().slice(0, 300) || undefined }
    throw error
  }
}

/** Any failure of a request, as what it means to the user. */
export function translateApiError(error: unknown, call: ApiCall): unknown {
  if (error instanceof NimctlError) return error
  const answer = readAnswer(error)
  return answer === undefined ? translateNoAnswer(error, call) : errorOfAnswer(answer, call, error)
}

export function errorOfAnswer(answer: ApiAnswer, call: ApiCall, cause?: unknown): NimctlError {
  const { status, message: why } = answer
  const { task, server, namespace } = call
  const said = { why, cause }
  if (status === 401) {
    return new NimctlError('auth', 'CLUSTER_LOGIN_REFUSED', {
      what: `${server} does not know who asks.`,
      next: 'Log in to the cluster again. What kubectl says: kubectl auth whoami',
      ...said,
    })
  }
  if (status === 403 && /exceeded quota/.test(why)) return quotaExceeded(why, namespace)
  if (status === 403) {
    return new NimctlError('auth', 'CLUSTER_FORBIDDEN', {
      what: `This user may not ${task} in namespace ${namespace}.`,
      next: 'Ask for the Role of docs/kubernetes.md, or take another namespace with -n.',
      ...said,
    })
  }
  if (status === 404 && /namespaces "/.test(why)) {
    return new NimctlError('not-found', 'NAMESPACE_NOT_FOUND', {
      what: `The cluster has no namespace ${namespace}.`,
      next: `Choose one with -n, or make it: kubectl create namespace ${namespace}`,
      ...said,
    })
  }
  if (status === 429 || status >= 500) {
    return new NimctlError('unavailable', 'CLUSTER_BUSY', {
      what: `${server} could not ${task}.`,
      next: 'Run the same command again.',
      ...said,
    })
  }
  return new NimctlError('usage', 'OBJECT_REFUSED', {
    what: `${server} refused to ${task}.`,
    next: 'The object as nimctl sends it: add --dry-run -o yaml',
    ...said,
  })
}

function quotaExceeded(why: string, namespace: string): NimctlError {
  return new NimctlError('unavailable', 'QUOTA_EXCEEDED', {
    what: `The quota of namespace ${namespace} leaves no room for the pod.`,
    why,
    next: `Wait for others to end, ask for more, or take another namespace with -n. See: kubectl -n ${namespace} describe quota`,
    mend: 'not',
  })
}

function translateNoAnswer(error: unknown, { server, task }: ApiCall): unknown {
  const code = codeOf(error)
  if (code === undefined) return translateLogin(error, server)
  if (tlsCodes.test(code)) {
    return new NimctlError('unavailable', 'CLUSTER_CERTIFICATE', {
      what: `${server} shows a certificate that is not trusted.`,
      why: `${code}: ${errorMessage(error)}`,
      next: "Put the cluster's CA into the kubeconfig (certificate-authority), as kubectl wants it.",
      mend: 'not',
      cause: error,
    })
  }
  return new NimctlError('unavailable', 'CLUSTER_UNREACHABLE', {
    what: `${server} could not be reached to ${task}.`,
    why: `${code}: ${errorMessage(error)}`,
    next: 'See whether kubectl reaches it: kubectl get --raw /readyz',
    mend: code === 'ENOTFOUND' ? 'not' : 'same',
    cause: error,
  })
}

const tlsCodes = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|ERR_TLS|ERR_SSL|EPROTO/

/** Of the system, or of our own limit of time. A program's start that fails has one too, and is another matter. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof Error && /^(Timeout|Abort)Error$/.test(error.name)) return 'ETIMEDOUT'
  const isSpawn = error instanceof Error && 'syscall' in error && String(error.syscall).startsWith('spawn')
  return isSpawn ? undefined : errorCode(error)
}

/** Before anything is asked, the kubeconfig's log-in program runs. */
function translateLogin(error: unknown, server: string): unknown {
  if (!(error instanceof Error)) return error
  if (errorCode(error) === 'ENOENT' && 'path' in error) {
    return new NimctlError('missing-tool', 'LOGIN_PROGRAM_MISSING', {
      what: `The kubeconfig logs in with ${String(error.path)}, which is not on the PATH.`,
      next: 'Install it as for kubectl, which needs it too.',
      cause: error,
    })
  }
  if (error.stack?.includes('exec_auth') !== true) return error
  return new NimctlError('auth', 'LOGIN_PROGRAM_FAILED', {
    what: `The program that logs in to ${server} failed.`,
    why: sanitize(error.message).trim().split('\n').slice(-3).join(' | '),
    next: 'See what it says: kubectl auth whoami',
    cause: error,
  })
}
