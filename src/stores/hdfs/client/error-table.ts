import { kinds, type Known } from '../../http/error-table.ts'

/** Codes that WebHDFS has too, as far as the shell tells them apart. */
const { accessDenied, expired, failed, keyExists, missing, objectNotFound, storeFull, unreachable, unsupported } = kinds
const conflict: Known = { category: 'local', code: 'STORE_KEY_CONFLICT' }
const notAllowed: Known = { category: 'usage', code: 'STORE_KEY_NOT_ALLOWED' }
const tooLong: Known = { category: 'local', code: 'NAME_TOO_LONG' }
const standby: Known = { category: 'unavailable', code: 'NAMENODE_STANDBY' }
const safeMode: Known = { category: 'unavailable', code: 'NAMENODE_IN_SAFE_MODE' }
const stillOpen: Known = { category: 'unavailable', code: 'FILE_STILL_OPEN' }
const noJava: Known = { category: 'missing-tool', code: 'TOOL_MISSING' }

/**
 * The shell tells what failed by words alone: those of Hadoop 3 (FsShell, PathIOException, the namenode's exceptions), the
 * first that fits.
 */
const byWords: readonly (readonly [RegExp, Known])[] = [
  [/JAVA_HOME|java: (command )?not found/, noJava],
  [
    /GSS initiate failed|Client cannot authenticate via|SIMPLE authentication is not enabled|No valid credentials/,
    missing,
  ],
  [/InvalidToken|token \(.*\) (is expired|can't be found)/, expired],
  [/Permission denied|AccessControlException|not allowed to impersonate/, accessDenied],
  [/safe mode/i, safeMode],
  [/quota .*is exceeded|No space left|maximum directory item limit/i, storeFull],
  [/maximum path component name limit/, tooLong],
  [/StandbyException|not supported in state standby/, standby],
  [/lease is currently owned by|AlreadyBeingCreated|RecoveryInProgress|lease recovery is in progress/i, stillOpen],
  [/UnknownHostException/, { ...unreachable, mend: 'not' }],
  [
    /Connection refused|ConnectException|NoRouteToHost|SocketTimeout|timed out|Connection reset|EOFException/,
    unreachable,
  ],
  [/could only be (written|replicated) to|datanodes? .*(are|is) bad|BlockMissing|Could not obtain block/i, failed],
  [/Invalid path name|Invalid file name|URISyntaxException/, notAllowed],
  [/Is a directory|[Nn]ot a directory|ParentNotDirectory/, conflict],
  [/File exists/, keyExists],
  [/No such file or directory|does not exist/, objectNotFound],
  [/not supported|UnsupportedOperation|Unknown command|Illegal option|NoSuchMethod|NoClassDefFound/, unsupported],
]

/** What is not known may be a datanode's bad moment. */
export function lookUpWords(says: string): Known {
  return byWords.find(([words]) => words.test(says))?.[1] ?? failed
}
