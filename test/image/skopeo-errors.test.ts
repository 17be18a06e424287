import { expect, it } from 'vitest'

import { failedSide, translateSkopeoFailure } from '../../src/image/skopeo-errors.ts'

const fatal = (message: string) => `Copying blob sha256:1\ntime="2026-11-21T12:10:49Z" level=fatal msg="${message}"`

// Printed by skopeo 1.9.3, or by the registries that it speaks to.
it.each([
  [
    'Error parsing image name \\"docker://r/a:1\\": reading manifest 1 in r/a: manifest unknown: manifest unknown',
    'not-found',
    'IMAGE_NOT_FOUND',
  ],
  [
    'loading image from docker engine: Error response from daemon: reference does not exist',
    'not-found',
    'IMAGE_NOT_FOUND',
  ],
  ['open /tmp/none/index.json: no such file or directory', 'not-found', 'IMAGE_NOT_FOUND'],
  ['no descriptor found for reference \\"nope\\"', 'not-found', 'IMAGE_NOT_FOUND'],
  ['reading manifest 1 in r/a: unauthorized: authentication required', 'auth', 'REGISTRY_AUTH'],
  ['Requesting bearer token: invalid status code from registry 403 (Forbidden)', 'auth', 'REGISTRY_AUTH'],
  [
    'reading manifest 1 in nvcr.io/nim/x: received unexpected HTTP status: 402 Payment Required',
    'auth',
    'REGISTRY_AUTH',
  ],
  [
    'pinging container registry r: Get \\"https://r/v2/\\": http: server gave HTTP response to HTTPS client',
    'unavailable',
    'REGISTRY_TLS',
  ],
  [
    'pinging container registry r: Get \\"https://r/v2/\\": x509: certificate signed by unknown authority',
    'unavailable',
    'REGISTRY_TLS',
  ],
  [
    'pinging container registry r: Get \\"http://r/v2/\\": dial tcp 127.0.0.1:1: connect: connection refused',
    'unavailable',
    'REGISTRY_UNREACHABLE',
  ],
  [
    'writing blob: initiating layer upload to /v2/x/blobs/uploads/ in r: received unexpected HTTP status: 500 Internal Server Error',
    'unavailable',
    'REGISTRY_FAILED',
  ],
  ['dial tcp: lookup nohost.invalid on 10.0.0.1:53: no such host', 'unavailable', 'REGISTRY_UNREACHABLE'],
  [
    'loading image from docker engine: Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?',
    'missing-tool',
    'ENGINE_UNREACHABLE',
  ],
  ['Got permission denied while trying to connect to the Docker daemon socket', 'auth', 'ENGINE_FORBIDDEN'],
  [
    'writing blob: storing blob to file \\"/var/tmp/x\\": write /var/tmp/x: no space left on device',
    'local',
    'DISK_FULL',
  ],
  ['something new', 'unavailable', 'SKOPEO_FAILED'],
])('understands %s', (message, category, code) => {
  expect(translateSkopeoFailure(fatal(message), 'r/a:1', 'source')).toMatchObject({ category, code })
})

it('names the flag of the side that speaks HTTP, and does not try again', () => {
  const error = translateSkopeoFailure(fatal('http: server gave HTTP response to HTTPS client'), 'r/a:1', 'destination')
  expect(error).toMatchObject({ next: expect.stringContaining('--no-dest-tls-verify'), mend: 'not' })
})

it.each([
  ['trying to reuse blob sha256:1 at destination: pinging container registry r', 'destination'],
  ['writing manifest: denied', 'destination'],
  ['initializing source docker://r/a:1: connection refused', 'source'],
])('knows the side of %s', (message, side) => {
  expect(failedSide(fatal(message))).toBe(side)
})
