import { expect, it } from 'vitest'

import { translateDockerError } from '../../src/system/docker-errors.ts'
import { NimctlError } from '../../src/system/errors.ts'

const address = 'unix:///var/run/docker.sock'
const daemon = (statusCode: number, message: string) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) server error - ${message} `), { statusCode })

it.each([
  [Object.assign(new Error('connect EACCES /var/run/docker.sock'), { code: 'EACCES' }), 'auth', 'ENGINE_FORBIDDEN'],
  [Object.assign(new Error('connect ENOENT'), { code: 'ENOENT' }), 'missing-tool', 'ENGINE_UNREACHABLE'],
  [
    Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    'missing-tool',
    'ENGINE_UNREACHABLE',
  ],
  [
    daemon(404, 'pull access denied for a/b, repository does not exist or may require login'),
    'not-found',
    'IMAGE_NOT_FOUND',
  ],
  [daemon(500, 'Head "https://nvcr.io/v2/": unauthorized: authentication required'), 'auth', 'REGISTRY_AUTH'],
  [daemon(500, 'Head "https://r/v2/a/manifests/1": no basic auth credentials'), 'auth', 'REGISTRY_AUTH'],
  [daemon(500, 'received unexpected HTTP status: 402 Payment Required'), 'auth', 'REGISTRY_AUTH'],
  [daemon(500, 'Get "https://r/v2/": x509: certificate signed by unknown authority'), 'unavailable', 'REGISTRY_TLS'],
  [daemon(500, 'write /var/lib/docker/tmp/x: no space left on device'), 'local', 'DISK_FULL'],
  [daemon(500, 'unknown or invalid runtime name: nvidia'), 'missing-tool', 'RUNTIME_MISSING'],
  [daemon(500, 'something new'), 'local', 'ENGINE_ERROR'],
])('understands %s', (error, category, code) => {
  expect(translateDockerError(error, address, 'a/b:1')).toMatchObject({ category, code })
})

it('shows no secret of an echoed address, and leaves bugs alone', () => {
  const shown = translateDockerError(daemon(500, 'Get "https://me:pw@r/v2/": denied'), address, 'a/b:1')
  expect(shown).toBeInstanceOf(NimctlError)
  expect(JSON.stringify(shown)).not.toContain('pw@')
  const bug = new TypeError('x is not a function')
  expect(translateDockerError(bug, address, 'a/b:1')).toBe(bug)
})
