import type { IncomingHttpHeaders } from 'node:http'

import { errorCode, errorMessage, NimctlError } from '../../system/errors.ts'
import { parseRetryAfter } from '../../system/http/retry-after.ts'
import { parseJson, read, textAt } from '../../system/json.ts'
import { sanitize, type Secret } from '../../system/secret.ts'
import type { Answer } from '../http/answer.ts'
import type { Known } from '../http/error-table.ts'
import { storeError, type Words, wordsForAll } from '../http/store-error.ts'
import { asksForKerberos, lookUp } from './error-table.ts'

/** What was asked of whom, for the error's sentences. */
export interface Asked {
  /** As WebHDFS names it: `CREATE`. */
  op: string
  /** The object for people, with scheme and host. */
  target: string
  /** Of the namenode or, in the second step, of the datanode: `http://host:port`. */
  endpoint: string
  /** The namenode sent there. */
  atDatanode?: boolean
  /** Must not be shown. */
  token?: Secret | undefined
}

/** An answer that says no. */
class Refusal extends Error {
  readonly status: number
  readonly exception: string | undefined
  readonly headers: IncomingHttpHeaders

  constructor({ status, headers, text }: Answer) {
    const remote = readRemoteException(text)
    super(remote?.message ?? text)
    this.status = status
    this.exception = remote?.exception
    this.headers = headers
  }
}

export function failureOf(answer: Answer): Error {
  return new Refusal(answer)
}

/** @returns the error itself where it is not one of the store or the network: then it is a bug. */
export function translateHdfsError(error: unknown, asked: Asked): unknown {
  if (error instanceof NimctlError) return error
  const refusal = error instanceof Refusal ? error : undefined
  const { status, exception, headers } = refusal ?? {}
  const known =
    asksForKerberos(status, headers?.['www-authenticate']) ??
    lookUp({ op: asked.op, status, exception, systemCode: errorCode(error) })
  if (known === undefined) return refusal === undefined ? error : notUnderstood(asked, errorMessage(error))
  const says = clean(errorMessage(error), asked.token)
  return storeError(known, words(known, { exception, says, systemCode: errorCode(error) }, asked), {
    retryAfterMs: parseRetryAfter(headers?.['retry-after']),
    cause: error,
  })
}

/** An answer that came and is not what WebHDFS says. */
export function notUnderstood({ op, endpoint, token }: Asked, says: string): NimctlError {
  return new NimctlError('unavailable', 'STORE_ANSWER_NOT_UNDERSTOOD', {
    what: `${endpoint} did not answer ${op} as WebHDFS does.`,
    why: says === '' ? undefined : clean(says, token),
    next: "Look at the address: is it the namenode's for HTTP (9870), not the one for RPC (8020)?",
    mend: 'not',
  })
}

interface Seen {
  exception: string | undefined
  systemCode: string | undefined
  says: string
}

function words(known: Known, seen: Seen, asked: Asked): Words {
  const { endpoint: server, target, op } = asked
  const failed = `${server} refused ${op} of ${target}.`
  return (
    sentences[known.code]?.(seen, asked) ??
    wordsForAll(known.code, { ...seen, message: seen.says, server, target, failed, said: said(seen) })
  )
}

/** By code of ours. */
const sentences: Record<string, (seen: Seen, asked: Asked) => Words> = {
  OBJECT_NOT_FOUND: (_, { target }) => ({ what: `There is no ${target}.` }),
  ACCESS_DENIED: (seen, { op, target }) => ({
    what: `This user may not ${verbs[op] ?? op} ${target}.`,
    why: said(seen),
    next: 'Name another user (HADOOP_USER_NAME), or have it permitted: hdfs dfs -chown, -chmod, -setfacl',
  }),
  CREDENTIALS_REFUSED: (seen, { endpoint }) => ({
    what: `${endpoint} does not accept who asks.`,
    why: said(seen),
    next: 'Look at HADOOP_USER_NAME, or give a delegation token: --hdfs-token-file FILE',
  }),
  KERBEROS_ASKED_FOR: (_, { endpoint }) => ({
    what: `${endpoint} asks for Kerberos, which nimctl does not speak.`,
    why: 'A delegation token stands for it, or the installed program hdfs speaks it: hdfs:// with --hdfs-client.',
    next: `Fetch a token where kinit works, and give its urlString with --hdfs-token-file FILE: curl --negotiate -u : '${endpoint}/webhdfs/v1/?op=GETDELEGATIONTOKEN'`,
  }),
  CREDENTIALS_EXPIRED: (seen, { endpoint }) => ({
    what: `The delegation token is no longer accepted by ${endpoint}.`,
    why: said(seen),
    next: 'Fetch another one, then run the same command again: what is finished is kept.',
  }),
  STORE_KEY_CONFLICT: (seen, { target }) => ({
    what: `${target} can't be written: a file and a directory would have the same name.`,
    why: said(seen),
  }),
  STORE_KEY_NOT_ALLOWED: (seen, { target }) => ({ what: `HDFS can have no file ${target}.`, why: said(seen) }),
  NAME_TOO_LONG: (seen, { target }) => ({ what: `A name in ${target} is longer than HDFS allows.`, why: said(seen) }),
  NAMENODE_STANDBY: (seen, { endpoint }) => ({
    what: `The namenode at ${endpoint} is not the active one.`,
    why: said(seen),
    next: "Name all of them: --webhdfs-url URL,URL, or HADOOP_CONF_DIR with the nameservice's hdfs-site.xml.",
  }),
  NAMENODE_IN_SAFE_MODE: (seen, { endpoint }) => ({
    what: `The namenode at ${endpoint} is in safe mode and changes nothing.`,
    why: said(seen),
    next: 'Wait until it has left it: hdfs dfsadmin -safemode get',
  }),
  FILE_STILL_OPEN: (seen, { target }) => ({
    what: `${target} is still open for another writer.`,
    why: said(seen),
    next: 'If that one was killed, the namenode closes it within a minute: run the same command again.',
  }),
  STORE_FULL: (seen, { target }) => ({ what: `There is no room or quota for ${target}.`, why: said(seen) }),
  STORE_UNREACHABLE: (seen, { op, endpoint, atDatanode }) => ({
    what: `${endpoint} could not be reached, or the connection broke (${op}).`,
    why: `${seen.systemCode ?? 'No answer'}: ${seen.says}`,
    next:
      atDatanode === true
        ? 'The namenode sent there: this machine has to reach the datanodes under the names that they give, or HttpFS in their place (--webhdfs-url).'
        : 'Look at the address and the network, then run the same command again.',
  }),
  TLS_NOT_SPOKEN: (seen, { endpoint }) => ({
    what: `${endpoint} does not answer with TLS.`,
    why: `${seen.systemCode}`,
    next: 'Look at the address: is it webhdfs:// there, not swebhdfs://?',
  }),
}

const verbs: Record<string, string> = {
  CREATE: 'create',
  APPEND: 'write to',
  MKDIRS: 'make the directory',
  OPEN: 'read',
  GETFILESTATUS: 'look at',
  GETFILECHECKSUM: 'read',
  LISTSTATUS_BATCH: 'list',
  DELETE: 'remove',
  RENAME: 'move a file to',
  SETOWNER: 'change the owner of',
  SETXATTR: 'note anything at',
  GETXATTRS: 'read the notes of',
}

function said({ exception, says }: Seen): string {
  return `The server says ${exception ?? 'no more'}${says === '' ? '' : `: ${says}`}`
}

/** A datanode's message brings its stack with it. */
function clean(message: string, token: Secret | undefined): string {
  const [first = ''] = message.trim().split('\n')
  const withoutTokens = first.replaceAll(/\bdelegation=[^\s&"']+/g, 'delegation=**redacted**')
  return sanitize(withoutTokens, token === undefined ? [] : [token]).slice(0, 300)
}

function readRemoteException(text: string): { exception: string; message: string } | undefined {
  const remote = read(parseJson(text), 'RemoteException')
  const exception = textAt(remote, 'exception')
  return exception === undefined ? undefined : { exception, message: textAt(remote, 'message') ?? '' }
}
