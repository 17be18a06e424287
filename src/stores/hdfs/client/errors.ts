import { NimctlError } from '../../../system/errors.ts'
import { sanitize } from '../../../system/secret.ts'
import type { Complaint } from './complaints.ts'
import { lookUpWords } from './error-table.ts'

/** What was asked, for the error's sentences. */
export interface Asked {
  /** Of the shell: `put`. */
  command: string
  /** The object for people, with scheme and host. */
  target: string
}

export function shellError({ says }: Complaint, asked: Asked): NimctlError {
  const { category, code, mend } = lookUpWords(says)
  const why = `hdfs says: ${sanitize(says).slice(0, 300)}`
  const otherwise = { what: `hdfs dfs -${asked.command} of ${asked.target} failed.`, why }
  return new NimctlError(category, code, {
    ...(sentences[code]?.(asked, why) ?? otherwise),
    ...(mend !== undefined && { mend }),
  })
}

type Words = Record<'what', string> & Partial<Record<'why' | 'next', string>>

/** By code of ours. */
const sentences: Record<string, (asked: Asked, why: string) => Words> = {
  OBJECT_NOT_FOUND: ({ target }) => ({ what: `There is no ${target}.` }),
  ACCESS_DENIED: ({ command, target }, why) => ({
    what: `This user may not ${verbs[command] ?? command} ${target}.`,
    why,
    next: 'Be another user (kinit, or HADOOP_USER_NAME), or have it permitted: hdfs dfs -chown, -chmod, -setfacl',
  }),
  CREDENTIALS_MISSING: ({ target }, why) => ({
    what: `${target} asks for Kerberos, and there is no valid ticket.`,
    why,
    next: 'Fetch one, then run the same command again: kinit',
  }),
  CREDENTIALS_EXPIRED: ({ target }, why) => ({
    what: `The token for ${target} is no longer accepted.`,
    why,
    next: 'Fetch another one, then run the same command again: what is finished is kept.',
  }),
  STORE_KEY_EXISTS: ({ target }) => ({
    what: `${target} exists already.`,
    why: 'It was to be created only if it is absent.',
  }),
  STORE_KEY_CONFLICT: ({ target }, why) => ({
    what: `${target} can't be written: a file and a directory would have the same name.`,
    why,
  }),
  STORE_KEY_NOT_ALLOWED: ({ target }, why) => ({ what: `HDFS can have no file ${target}.`, why }),
  NAME_TOO_LONG: ({ target }, why) => ({ what: `A name in ${target} is longer than HDFS allows.`, why }),
  NAMENODE_IN_SAFE_MODE: ({ target }, why) => ({
    what: `The namenode of ${target} is in safe mode and changes nothing.`,
    why,
    next: 'Wait until it has left it: hdfs dfsadmin -safemode get',
  }),
  FILE_STILL_OPEN: ({ target }, why) => ({
    what: `${target} is still open for another writer.`,
    why,
    next: 'If that one was killed, the namenode closes it within a minute: run the same command again.',
  }),
  STORE_FULL: ({ target }, why) => ({ what: `There is no room or quota for ${target}.`, why }),
  STORE_UNREACHABLE: ({ target }, why) => ({
    what: `The namenode or a datanode could not be reached for ${target}.`,
    why,
    next: 'Look at the address, which is that of RPC (8020), and at HADOOP_CONF_DIR; then run the same command again.',
  }),
  STORE_UNSUPPORTED: ({ command, target }, why) => ({
    what: `hdfs dfs -${command} is not possible for ${target}.`,
    why,
    next: "Use Hadoop's client of version 3, or WebHDFS: leave --hdfs-client out.",
  }),
  TOOL_MISSING: (_, why) => ({
    what: 'The program hdfs could not be run.',
    why,
    next: 'Install Java, and say where it is: JAVA_HOME',
  }),
}

const verbs: Record<string, string> = {
  appendToFile: 'write to',
  cat: 'read',
  checksum: 'read',
  chmod: 'change the permissions of',
  chown: 'change the owner of',
  find: 'list',
  mkdir: 'make the directory',
  mv: 'move a file to',
  put: 'write to',
  rm: 'remove',
  rmdir: 'remove',
  stat: 'look at',
}
