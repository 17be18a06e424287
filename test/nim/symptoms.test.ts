import { describe, expect, it } from 'vitest'

import { recogniseSymptom, skippedProfiles } from '../../src/nim/symptoms.ts'

describe('a symptom of a container', () => {
  // The texts are those of reference/nim.md section 7, and of curl and Python where they have to do with the network.
  it.each([
    ['The requested operation requires an API key, but none was found', 'auth', 'NGC_KEY_MISSING'],
    [
      'Permission error: The requested operation requires permissions that the user does not have. This may be because the user is not a member of the organization that owns the repo.',
      'auth',
      'NGC_NOT_ENTITLED',
    ],
    ['Authentication error: x: 401 Unauthorized: the API key is invalid', 'auth', 'NGC_KEY_REFUSED'],
    ['requests.exceptions.HTTPError: 403 Client Error: Forbidden for url', 'auth', 'NGC_FORBIDDEN'],
    ['I/O error Permission denied (os error 13)', 'local', 'CACHE_NOT_WRITABLE'],
    [
      'nimlib.exceptions.ManifestDownloadError: Error downloading manifest: I/O error Permission denied (os error 13)',
      'local',
      'CACHE_NOT_WRITABLE',
    ],
    ['repo file list has not been validated', 'local', 'CACHE_NOT_WRITABLE'],
    ['I/O error Invalid cross-device link (os error 18)', 'local', 'CACHE_MOUNTED_IN_PARTS'],
    ['I/O error No space left on device (os error 28)', 'local', 'DISK_FULL'],
    [
      "Error: Not all of the provided profiles are supported. Unknown profiles provided: {'default'} All valid profiles: {'x'}",
      'not-found',
      'PROFILE_UNKNOWN',
    ],
    ['but no matching profile_id or profile description is found in manifest.', 'not-found', 'PROFILE_UNKNOWN'],
    ['HTTP error: x: status 429', 'unavailable', 'NGC_THROTTLED'],
    ['HTTP error: x: status 500', 'unavailable', 'NGC_UNREACHABLE'],
    ['curl: (7) Failed to connect to 127.0.0.1 port 1: Connection refused', 'unavailable', 'NGC_UNREACHABLE'],
    ['curl: (18) transfer closed with 100 bytes remaining to read', 'unavailable', 'NGC_UNREACHABLE'],
    ['SSL: CERTIFICATE_VERIFY_FAILED certificate verify failed: self signed certificate', 'unavailable', 'NGC_TLS'],
    [
      'INFO nim_hub_ngc::api::tokio: fetching filemap from: https://api.ngc.nvidia.com/v2/org/nim',
      'unavailable',
      'NGC_CDN_BLOCKED',
    ],
    ['ImportError: libcuda.so.1: cannot open shared object file', 'missing-tool', 'GPU_NEEDED'],
  ])('is recognised: %s', (line, category, code) => {
    expect(recogniseSymptom(['== banner ==', line])).toMatchObject({ category, code, next: expect.any(String) })
  })

  it('is the cause, not its consequence', () => {
    const log = ['status 500', 'The requested operation requires an API key, but none was found', 'Traceback']
    expect(recogniseSymptom(log)?.code).toBe('NGC_KEY_MISSING')
  })

  it.each([
    ['Downloaded filename: permissions.json to blob: "/x/401"'],
    ['Downloaded filename: error-500.txt'],
    ['200 OK, 5000 files'],
    ['INFO took 500ms'],
  ])('is not read into: %s', line => {
    expect(recogniseSymptom([line])).toBeUndefined()
  })

  it('shows no key that a container printed', () => {
    expect(recogniseSymptom(['401 Unauthorized nvapi-0123456789abcdef'])?.why).not.toContain('0123456789abcdef')
  })
})

it('names the profiles that a container passed over', () => {
  expect(skippedProfiles(["The profile abc doesn't exist, skipping to the next profile", 'other'])).toEqual(['abc'])
})
