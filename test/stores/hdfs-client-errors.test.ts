import { expect, it } from 'vitest'

import { readComplaints } from '../../src/stores/hdfs/client/complaints.ts'
import { shellError } from '../../src/stores/hdfs/client/errors.ts'

const asked = { command: 'put', target: 'hdfs://zone/models/weights' }

it.each([
  ['Permission denied: user=a, access=WRITE, inode="/":root:supergroup:drwxr-xr-x', 'auth', 'ACCESS_DENIED', 'not'],
  ['No such file or directory', 'not-found', 'OBJECT_NOT_FOUND', 'not'],
  ['File exists', 'check-failed', 'STORE_KEY_EXISTS', 'not'],
  ['Is a directory', 'local', 'STORE_KEY_CONFLICT', 'not'],
  ['/models/file (is not a directory)', 'local', 'STORE_KEY_CONFLICT', 'not'],
  ['The DiskSpace quota of /models is exceeded: quota = 1 B', 'unavailable', 'STORE_FULL', 'not'],
  [
    'The NameSpace quota (directories and files) of directory /models is exceeded: quota=1 file count=2',
    'unavailable',
    'STORE_FULL',
    'not',
  ],
  ['Cannot create directory /models. Name node is in safe mode.', 'unavailable', 'NAMENODE_IN_SAFE_MODE', 'same'],
  ['Operation category READ is not supported in state standby', 'unavailable', 'NAMENODE_STANDBY', 'same'],
  [
    'Call From vm/127.0.0.1 to zone:8020 failed on connection exception: java.net.ConnectException: Connection refused',
    'unavailable',
    'STORE_UNREACHABLE',
    'same',
  ],
  ['java.net.UnknownHostException: zone', 'unavailable', 'STORE_UNREACHABLE', 'not'],
  [
    'Failed on local exception: java.io.IOException: javax.security.sasl.SaslException: GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: Failed to find any Kerberos tgt)]',
    'auth',
    'CREDENTIALS_MISSING',
    'not',
  ],
  ['SIMPLE authentication is not enabled.  Available:[TOKEN, KERBEROS]', 'auth', 'CREDENTIALS_MISSING', 'not'],
  ['token (HDFS_DELEGATION_TOKEN token 3 for a) is expired', 'auth', 'CREDENTIALS_EXPIRED', 'new-credentials'],
  [
    'Failed to APPEND_FILE /a for DFSClient_1 on 127.0.0.1 because this file lease is currently owned by DFSClient_2 on 127.0.0.1',
    'unavailable',
    'FILE_STILL_OPEN',
    'same',
  ],
  [
    'The maximum path component name limit of xxx in directory / is exceeded: limit=255 length=300',
    'local',
    'NAME_TOO_LONG',
    'not',
  ],
  [
    'File /a could only be written to 0 of the 1 minReplication nodes. There are 0 datanode(s) running',
    'unavailable',
    'STORE_FAILED',
    'same',
  ],
  ['Unknown command', 'unavailable', 'STORE_UNSUPPORTED', 'not'],
  ['ERROR: JAVA_HOME is not set and could not be found.', 'missing-tool', 'TOOL_MISSING', 'not'],
  ['something that nobody has heard of', 'unavailable', 'STORE_FAILED', 'same'],
])('knows what "%s" means', (says, category, code, mend) => {
  const error = shellError({ says }, asked)
  expect(error).toMatchObject({ category, code, mend })
  expect(`${error.message} ${error.why}`).toMatch(/hdfs:\/\/zone\/models\/weights|The program hdfs/)
})

it('shows no secret that an error repeats', () => {
  const error = shellError({ says: 'odd: http://me:HUNTER2@zone:9870/' }, asked)
  expect(`${error.message} ${error.why}`).not.toContain('HUNTER2')
})

it('reads what failed and leaves the log out', () => {
  const stderr = [
    '2026-01-01 10:00:00,000 WARN util.NativeCodeLoader: Unable to load native-hadoop library',
    "stat: `hdfs://zone/it's': No such file or directory",
    'stat: Permission denied: user=a',
  ]
  expect(readComplaints('stat', { exitCode: 1, stderr })).toEqual([
    { path: "hdfs://zone/it's", says: 'No such file or directory' },
    { says: 'Permission denied: user=a' },
  ])
  expect(readComplaints('stat', { exitCode: 0, stderr })).toEqual([])
})

it('reads what stands before a usage text', () => {
  const stderr = ['-ls: java.net.UnknownHostException: zone', 'Usage: hadoop fs [generic options]']
  expect(readComplaints('ls', { exitCode: 255, stderr })).toEqual([{ says: 'java.net.UnknownHostException: zone' }])
})

it('says what a script says that finds no Java, and that nothing was said', () => {
  const stderr = ['ERROR: JAVA_HOME is not set and could not be found.']
  expect(readComplaints('ls', { exitCode: 1, stderr })).toEqual([{ says: stderr[0] }])
  expect(readComplaints('ls', { exitCode: 3, stderr: [] })[0]?.says).toContain('ended with 3')
})
