import { describe, expect, it } from 'vitest'

import { type Asked, failureOf, translateHdfsError } from '../../src/stores/webhdfs/errors.ts'
import { NimctlError } from '../../src/system/errors.ts'
import { secret } from '../../src/system/secret.ts'

const asked: Asked = {
  op: 'CREATE',
  target: 'hdfs://zone/models/blob',
  endpoint: 'http://nn1:9870',
  token: secret('HUNTER2'),
}

function translated(error: unknown, overrides: Partial<Asked> = {}): NimctlError {
  const found = translateHdfsError(error, { ...asked, ...overrides })
  if (found instanceof NimctlError) return found
  throw new Error('is not translated')
}

function remote(exception: string, message = '', status = 403, headers = {}): Error {
  const text = JSON.stringify({ RemoteException: { exception, javaClassName: `x.${exception}`, message } })
  return failureOf({ status, headers, text })
}

describe('errors of WebHDFS', () => {
  it.each([
    ['FileNotFoundException', 'not-found', 'OBJECT_NOT_FOUND', 'not'],
    ['AccessControlException', 'auth', 'ACCESS_DENIED', 'not'],
    ['SecurityException', 'auth', 'CREDENTIALS_REFUSED', 'not'],
    ['InvalidToken', 'auth', 'CREDENTIALS_EXPIRED', 'new-credentials'],
    ['FileAlreadyExistsException', 'check-failed', 'STORE_KEY_EXISTS', 'not'],
    ['ParentNotDirectoryException', 'local', 'STORE_KEY_CONFLICT', 'not'],
    ['InvalidPathException', 'usage', 'STORE_KEY_NOT_ALLOWED', 'not'],
    ['PathComponentTooLongException', 'local', 'NAME_TOO_LONG', 'not'],
    ['StandbyException', 'unavailable', 'NAMENODE_STANDBY', 'same'],
    ['SafeModeException', 'unavailable', 'NAMENODE_IN_SAFE_MODE', 'same'],
    ['RetriableException', 'unavailable', 'STORE_FAILED', 'same'],
    ['AlreadyBeingCreatedException', 'unavailable', 'FILE_STILL_OPEN', 'same'],
    ['RecoveryInProgressException', 'unavailable', 'FILE_STILL_OPEN', 'same'],
    ['DSQuotaExceededException', 'unavailable', 'STORE_FULL', 'not'],
    ['UnsupportedOperationException', 'unavailable', 'STORE_UNSUPPORTED', 'not'],
    ['IllegalArgumentException', 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
    ['IOException', 'unavailable', 'STORE_FAILED', 'same'],
    ['NeverHeardOfException', 'unavailable', 'STORE_REQUEST_REFUSED', 'not'],
  ])('%s is %s %s', (exception, category, code, mend) => {
    expect(translated(remote(exception))).toMatchObject({ category, code, mend })
  })

  it.each([
    [401, {}, 'CREDENTIALS_REFUSED'],
    [401, { 'www-authenticate': 'Negotiate' }, 'KERBEROS_ASKED_FOR'],
    [403, {}, 'ACCESS_DENIED'],
    [404, {}, 'STORE_ANSWER_NOT_UNDERSTOOD'],
    [429, {}, 'STORE_THROTTLED'],
    [500, {}, 'STORE_FAILED'],
    [503, {}, 'STORE_THROTTLED'],
  ])('an answer %i without a RemoteException, with %j, is %s', (status, headers, code) => {
    expect(translated(failureOf({ status, headers, text: '<html>' }))).toMatchObject({ code })
  })

  it('MKDIRS that finds a file in its way is a conflict of names', () => {
    expect(translated(remote('FileAlreadyExistsException'), { op: 'MKDIRS' })).toMatchObject({
      code: 'STORE_KEY_CONFLICT',
    })
  })

  it('keeps a wait that was asked for', () => {
    const busy = failureOf({ status: 503, headers: { 'retry-after': '7' }, text: '' })
    expect(translated(busy)).toMatchObject({ retryAfterMs: 7000 })
  })

  it('says how to do without Kerberos', () => {
    const headers = { 'www-authenticate': 'Negotiate' }
    expect(translated(failureOf({ status: 401, headers, text: '' })).next).toContain('op=GETDELEGATIONTOKEN')
  })

  it('shows neither tokens nor the stack of a server', () => {
    const message = 'HUNTER2 is bad: http://dn/?delegation=OTHER&op=x\n\tat org.apache.hadoop.Server'
    const { why } = translated(remote('SecurityException', message))
    expect(why).not.toMatch(/HUNTER2|OTHER|org\.apache/)
  })

  it('says that datanodes have to be reached as well', () => {
    const error = Object.assign(new Error('getaddrinfo ENOTFOUND dn1'), { code: 'ENOTFOUND' })
    expect(translated(error, { endpoint: 'http://dn1:9864', atDatanode: true })).toMatchObject({
      code: 'STORE_UNREACHABLE',
      next: expect.stringContaining('datanodes'),
    })
  })

  it('leaves alone what is no failure of the store', () => {
    const bug = new TypeError('undefined is not a function')
    expect(translateHdfsError(bug, asked)).toBe(bug)
  })
})
